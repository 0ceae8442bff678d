"""Faces: detected, compared, indexed, found, listed and deleted."""

import uuid
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from faceauth.local.pictures import confidence_of
from faceauth.tests.local_endpoints import index, picture, refused
from faceauth.tests.pictures import (
    another,
    blurred,
    collins,
    darkened,
    encoded,
    hopper,
    landscape,
    opened,
    side_by_side,
)

pytestmark = pytest.mark.django_db(transaction=True)  # for the half that runs in this process


def tiny(data: bytes) -> bytes:
    return encoded(opened(data).resize((94, 110)))


def test_a_face_is_indexed_found_and_deleted(client: Any, people: str) -> None:
    answer = client.index_faces(CollectionId=people, Image=picture(hopper()), ExternalImageId="grace:1.jpg")
    (record,) = answer["FaceRecords"]
    assert answer["UnindexedFaces"] == []
    assert "OrientationCorrection" not in answer
    face = record["Face"]
    assert face["ExternalImageId"] == "grace:1.jpg"
    assert face["BoundingBox"] == record["FaceDetail"]["BoundingBox"]
    assert {mark["Type"] for mark in record["FaceDetail"]["Landmarks"]} == {
        "eyeLeft",
        "eyeRight",
        "nose",
        "mouthLeft",
        "mouthRight",
    }
    assert index(client, people, collins(), ExternalImageId="eileen") != [face["FaceId"]]

    found = client.search_faces_by_image(CollectionId=people, Image=picture(another(hopper())))
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [face["FaceId"]]
    assert found["FaceMatches"][0]["Face"]["ExternalImageId"] == "grace:1.jpg"
    assert found["FaceMatches"][0]["Similarity"] > 90
    assert found["SearchedFaceConfidence"] > 80

    everybody = client.search_faces_by_image(CollectionId=people, Image=picture(hopper()), FaceMatchThreshold=0)
    similarities = [match["Similarity"] for match in everybody["FaceMatches"]]
    assert len(similarities) == 2
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[0] == pytest.approx(100, abs=0.01)
    one = client.search_faces_by_image(CollectionId=people, Image=picture(hopper()), FaceMatchThreshold=0, MaxFaces=1)
    assert [match["Face"]["FaceId"] for match in one["FaceMatches"]] == [face["FaceId"]]

    assert client.describe_collection(CollectionId=people)["FaceCount"] == 2
    unknown = str(uuid.uuid4())
    gone = client.delete_faces(CollectionId=people, FaceIds=[face["FaceId"], unknown, face["FaceId"]])
    assert gone["DeletedFaces"] == [face["FaceId"]]
    assert gone["UnsuccessfulFaceDeletions"] == [{"FaceId": unknown, "Reasons": ["FACE_NOT_FOUND"]}]
    again = client.delete_faces(CollectionId=people, FaceIds=[face["FaceId"]])
    assert again["DeletedFaces"] == []
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 1
    assert client.search_faces_by_image(CollectionId=people, Image=picture(hopper()))["FaceMatches"] == []


def test_the_threshold_is_80_where_none_is_given(client: Any, people: str) -> None:
    index(client, people, hopper())
    alike = client.search_faces_by_image(CollectionId=people, Image=picture(collins()), FaceMatchThreshold=0)
    assert alike["FaceMatches"][0]["Similarity"] < 80
    assert client.search_faces_by_image(CollectionId=people, Image=picture(collins()))["FaceMatches"] == []


def test_a_similarity_equal_to_the_threshold_is_a_match(client: Any, people: str) -> None:
    index(client, people, hopper())
    question = {"CollectionId": people, "Image": picture(another(hopper()))}
    (match,) = client.search_faces_by_image(**question)["FaceMatches"]
    assert match["Similarity"] < 100
    exactly = client.search_faces_by_image(**question, FaceMatchThreshold=match["Similarity"])
    assert len(exactly["FaceMatches"]) == 1
    assert client.search_faces_by_image(**question, FaceMatchThreshold=100)["FaceMatches"] == []


def test_search_by_face_leaves_that_face_out(client: Any, people: str) -> None:
    (first,) = index(client, people, hopper())
    (second,) = index(client, people, another(hopper()))
    answer = client.search_faces(CollectionId=people, FaceId=first)
    assert answer["SearchedFaceId"] == first
    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [second]
    all_but_one = client.search_faces(CollectionId=people, FaceId=first, FaceMatchThreshold=0, MaxFaces=1)
    assert [match["Face"]["FaceId"] for match in all_but_one["FaceMatches"]] == [second]
    refused("InvalidParameterException", client.search_faces, CollectionId=people, FaceId=str(uuid.uuid4()))


def test_the_same_picture_under_the_same_id_is_indexed_once(client: Any, people: str) -> None:
    first = client.index_faces(CollectionId=people, Image=picture(hopper()), ExternalImageId="grace")
    again = client.index_faces(CollectionId=people, Image=picture(hopper()), ExternalImageId="grace")
    assert [record["Face"] for record in again["FaceRecords"]] == [record["Face"] for record in first["FaceRecords"]]
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 1
    (other,) = index(client, people, hopper(), ExternalImageId="another")
    assert other != first["FaceRecords"][0]["Face"]["FaceId"]
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 2


def test_bystanders_are_indexed_too_unless_max_faces_is_one(client: Any, people: str) -> None:
    both = side_by_side(hopper(), collins())
    one = client.index_faces(CollectionId=people, Image=picture(both), MaxFaces=1)
    assert len(one["FaceRecords"]) == 1
    assert [face["Reasons"] for face in one["UnindexedFaces"]] == [["EXCEEDS_MAX_FACES"]]
    largest = one["FaceRecords"][0]["Face"]["BoundingBox"]
    left_out = one["UnindexedFaces"][0]["FaceDetail"]["BoundingBox"]
    assert largest["Width"] * largest["Height"] >= left_out["Width"] * left_out["Height"]
    everybody = client.index_faces(CollectionId=people, Image=picture(both), ExternalImageId="both")
    assert len(everybody["FaceRecords"]) == 2
    assert {record["Face"]["ExternalImageId"] for record in everybody["FaceRecords"]} == {"both"}


@pytest.mark.parametrize(
    ("spoil", "reason"), [(tiny, "SMALL_BOUNDING_BOX"), (blurred, "LOW_SHARPNESS"), (darkened, "LOW_BRIGHTNESS")]
)
def test_a_poor_face_is_reported_as_unindexed(client: Any, people: str, spoil: Any, reason: str) -> None:
    poor = spoil(hopper())
    answer = client.index_faces(CollectionId=people, Image=picture(poor))
    assert answer["FaceRecords"] == []
    assert reason in answer["UnindexedFaces"][0]["Reasons"]
    assert client.describe_collection(CollectionId=people)["FaceCount"] == 0
    assert len(index(client, people, poor, QualityFilter="NONE")) == 1


def test_a_picture_without_a_face(client: Any, people: str) -> None:
    nobody = picture(landscape())
    assert client.detect_faces(Image=nobody)["FaceDetails"] == []
    answer = client.index_faces(CollectionId=people, Image=nobody)
    assert (answer["FaceRecords"], answer["UnindexedFaces"]) == ([], [])
    message = refused("InvalidParameterException", client.search_faces_by_image, CollectionId=people, Image=nobody)
    assert message == "There are no faces in the image. Should be at least 1."
    users = client.search_users_by_image(CollectionId=people, Image=nobody)
    assert users["UserMatches"] == []
    assert "SearchedFace" not in users
    for source, target in ((nobody, picture(hopper())), (picture(hopper()), nobody)):
        refused("InvalidParameterException", client.compare_faces, SourceImage=source, TargetImage=target)


def test_faces_are_listed_in_pages_and_by_id(client: Any, people: str) -> None:
    face_ids = index(client, people, hopper()) + index(client, people, collins())
    face_ids += index(client, people, another(hopper()))
    pages = list(client.get_paginator("list_faces").paginate(CollectionId=people, PaginationConfig={"PageSize": 2}))
    assert [[face["FaceId"] for face in page["Faces"]] for page in pages] == [face_ids[:2], face_ids[2:]]
    some = client.list_faces(CollectionId=people, FaceIds=[face_ids[2], str(uuid.uuid4())])
    assert [face["FaceId"] for face in some["Faces"]] == face_ids[2:]
    assert "ExternalImageId" not in some["Faces"][0]
    assert client.list_faces(CollectionId=people, UserId="nobody")["Faces"] == []


def test_confidence_is_on_the_scale_of_aws(client: Any, people: str) -> None:
    """AWS's documentation shows 99.9 and more for portraits."""
    for portrait in (hopper(), collins()):
        (record,) = client.index_faces(CollectionId=people, Image=picture(portrait))["FaceRecords"]
        assert record["Face"]["Confidence"] == record["FaceDetail"]["Confidence"]
        assert 99.9 <= record["Face"]["Confidence"] < 100
    found = client.search_faces_by_image(CollectionId=people, Image=picture(hopper()))
    assert found["SearchedFaceConfidence"] == pytest.approx(found["FaceMatches"][0]["Face"]["Confidence"])
    compared = client.compare_faces(SourceImage=picture(hopper()), TargetImage=picture(collins()))
    assert compared["SourceImageFace"]["Confidence"] >= 99.9


def test_confidence_rises_with_the_score() -> None:
    scores = np.linspace(60, 100, 400)
    values = [confidence_of(score) for score in scores]
    assert values == sorted(set(values))
    assert (values[0], values[-1]) == (40, 99.99)
    assert (confidence_of(0), confidence_of(101)) == (40, 99.99)


def test_confidence_is_the_measured_share_of_faces() -> None:
    """docs/measurements/recognition.md, without the ranges in which too few were found."""
    for low, high, faces, others in ((60, 65, 22, 26), (70, 75, 33, 18), (75, 80, 47, 14), (80, 82.5, 39, 7)):
        assert confidence_of((low + high) / 2) == pytest.approx(100 * faces / (faces + others), abs=0.1)
    assert confidence_of(85) == pytest.approx(100 * 185 / 195, abs=0.1)
    assert confidence_of(94) == pytest.approx(100 * 5545 / 5546, abs=0.01)


def test_what_is_no_face_has_little_confidence(client: Any) -> None:
    """Ovals and a triangle that the detector takes for a face: its scores are 66 to 88, and 92 is a portrait's."""
    for eyes, size, wide in ((40, 10, 70), (35, 10, 80), (30, 14, 70)):
        drawn = Image.new("RGB", (320, 320), (200, 190, 180))
        draw = ImageDraw.Draw(drawn)
        draw.ellipse((160 - wide, 60, 160 + wide, 270), fill=(225, 190, 165))
        for middle in (160 - eyes, 160 + eyes):
            draw.ellipse((middle - size, 135 - size // 2, middle + size, 135 + size // 2), fill=(60, 40, 30))
        draw.ellipse((135, 215, 185, 232), fill=(150, 60, 60))
        draw.polygon([(160, 145), (150, 195), (170, 195)], fill=(205, 165, 145))
        (detail,) = client.detect_faces(Image=picture(encoded(drawn)))["FaceDetails"]
        assert 40 <= detail["Confidence"] < 99


def test_detect_and_compare(client: Any) -> None:
    both = side_by_side(hopper(), collins())
    details = client.detect_faces(Image=picture(both), Attributes=["DEFAULT"])["FaceDetails"]
    assert len(details) == 2
    assert set(details[0]) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    compared = client.compare_faces(SourceImage=picture(hopper()), TargetImage=picture(both))
    assert len(compared["FaceMatches"]) == len(compared["UnmatchedFaces"]) == 1
    assert compared["FaceMatches"][0]["Face"]["BoundingBox"]["Left"] < 0.5
    assert compared["UnmatchedFaces"][0]["BoundingBox"]["Left"] > 0.4
    anybody = client.compare_faces(
        SourceImage=picture(hopper()), TargetImage=picture(both), SimilarityThreshold=0, QualityFilter="LOW"
    )
    assert len(anybody["FaceMatches"]) == 2


def test_compare_filters_both_pictures_by_quality(client: Any) -> None:
    good, poor = picture(hopper()), picture(blurred(hopper()))
    for source, target in ((good, poor), (poor, good)):
        assert client.compare_faces(SourceImage=source, TargetImage=target, SimilarityThreshold=0)["FaceMatches"]
        filtered = {"SourceImage": source, "TargetImage": target, "QualityFilter": "AUTO"}
        refused("InvalidParameterException", client.compare_faces, **filtered)


def test_the_exif_orientation_counts_for_jpeg_only(client: Any) -> None:
    turned = opened(hopper()).rotate(90, expand=True)
    exif = turned.getexif()
    exif[0x0112] = 6  # turn it by 90 degrees clockwise to look at it
    jpeg, png = (encoded(turned, kind, exif=exif) for kind in ("JPEG", "PNG"))
    box = client.detect_faces(Image=picture(hopper()))["FaceDetails"][0]["BoundingBox"]
    upright = client.detect_faces(Image=picture(jpeg))["FaceDetails"][0]["BoundingBox"]
    assert upright["Left"] == pytest.approx(box["Left"], abs=0.05)
    assert upright["Top"] == pytest.approx(box["Top"], abs=0.05)
    for lying in client.detect_faces(Image=picture(png))["FaceDetails"]:
        assert lying["BoundingBox"]["Left"] != pytest.approx(box["Left"], abs=0.05)
