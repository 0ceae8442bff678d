// What AWS's Go examples do with face collections, with the SDK as Debian packages it. test_clients.py runs it.
//
// Arguments: the endpoint, and a folder with grace.jpg, again.jpg and eileen.png. It prints what it found as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
)

var collection = aws.String("go")

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func picture(name string) *types.Image {
	data, err := os.ReadFile(filepath.Join(os.Args[2], name))
	check(err)
	return &types.Image{Bytes: data}
}

func main() {
	ctx := context.Background()
	client := rekognition.New(rekognition.Options{
		Region: os.Getenv("AWS_DEFAULT_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), "a session's token"),
		EndpointResolver: rekognition.EndpointResolverFromURL(os.Args[1]),
		RetryMaxAttempts: 1,
	})

	made, err := client.CreateCollection(ctx, &rekognition.CreateCollectionInput{CollectionId: collection})
	check(err)
	faces := []string{}
	for _, name := range []string{"grace.jpg", "eileen.png"} {
		indexed, err := client.IndexFaces(ctx, &rekognition.IndexFacesInput{
			CollectionId:        collection,
			Image:               picture(name),
			ExternalImageId:     aws.String(name),
			DetectionAttributes: []types.Attribute{types.AttributeAll},
			MaxFaces:            aws.Int32(1),
			QualityFilter:       types.QualityFilterAuto,
		})
		check(err)
		for _, record := range indexed.FaceRecords {
			faces = append(faces, *record.Face.FaceId)
		}
	}
	described, err := client.DescribeCollection(ctx, &rekognition.DescribeCollectionInput{CollectionId: collection})
	check(err)

	listed := []string{}
	pages := rekognition.NewListFacesPaginator(
		client, &rekognition.ListFacesInput{CollectionId: collection, MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(err)
		for _, face := range page.Faces {
			listed = append(listed, *face.ExternalImageId)
		}
	}
	found, err := client.SearchFacesByImage(ctx, &rekognition.SearchFacesByImageInput{
		CollectionId: collection, Image: picture("again.jpg"), FaceMatchThreshold: aws.Float32(70), MaxFaces: aws.Int32(2)})
	check(err)
	matches := []string{}
	for _, match := range found.FaceMatches {
		matches = append(matches, *match.Face.ExternalImageId)
	}
	alike, err := client.SearchFaces(ctx, &rekognition.SearchFacesInput{CollectionId: collection, FaceId: &faces[0]})
	check(err)
	compared, err := client.CompareFaces(ctx, &rekognition.CompareFacesInput{
		SourceImage: picture("grace.jpg"), TargetImage: picture("again.jpg"), SimilarityThreshold: aws.Float32(70)})
	check(err)
	detected, err := client.DetectFaces(ctx, &rekognition.DetectFacesInput{
		Image: picture("eileen.png"), Attributes: []types.Attribute{types.AttributeAll}})
	check(err)

	_, missing := client.DescribeCollection(ctx, &rekognition.DescribeCollectionInput{CollectionId: aws.String("nowhere")})
	var notFound *types.ResourceNotFoundException
	_, twice := client.CreateCollection(ctx, &rekognition.CreateCollectionInput{CollectionId: collection})
	var exists *types.ResourceAlreadyExistsException

	deleted, err := client.DeleteFaces(ctx, &rekognition.DeleteFacesInput{CollectionId: collection, FaceIds: faces})
	check(err)
	_, err = client.DeleteCollection(ctx, &rekognition.DeleteCollectionInput{CollectionId: collection})
	check(err)

	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"arn":       *made.CollectionArn,
		"count":     *described.FaceCount,
		"listed":    listed,
		"matches":   matches,
		"others":    len(alike.FaceMatches),
		"compared":  len(compared.FaceMatches),
		"detected":  len(detected.FaceDetails),
		"not found": errors.As(missing, &notFound),
		"exists":    errors.As(twice, &exists),
		"deleted":   len(deleted.DeletedFaces),
	}))
}
