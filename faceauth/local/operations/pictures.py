"""Operations on pictures alone."""

from faceauth.local.operations.collections import Answer
from faceauth.local.pictures import (
    bounding_box,
    check_attributes,
    confidence_of,
    face_detail,
    faces_in,
    good_faces,
    no_faces,
    read_picture,
)
from faceauth.local.service_model import Parameters
from faceauth.vision import similarity

THRESHOLD = 80.0


def detect_faces(parameters: Parameters) -> Answer:
    check_attributes(parameters.get("Attributes", []))
    pixels = read_picture(parameters["Image"])
    return {"FaceDetails": [face_detail(face, pixels) for face in faces_in(pixels)]}


def compare_faces(parameters: Parameters) -> Answer:
    quality = parameters.get("QualityFilter", "NONE")
    threshold = parameters.get("SimilarityThreshold", THRESHOLD)
    source = read_picture(parameters["SourceImage"])
    sources = good_faces(source, quality)
    about_source = sources and {
        "BoundingBox": bounding_box(sources[0], source),
        "Confidence": confidence_of(sources[0].confidence),
    }
    del source  # two pictures at once in every thread could wait for each other's memory
    target = read_picture(parameters["TargetImage"])
    targets = good_faces(target, quality)
    if not sources or not targets:
        raise no_faces()
    wanted = sources[0].template
    matches, others = [], []
    for face in targets:
        alike = similarity.from_cosine(float(wanted @ face.template))
        if alike >= threshold:
            matches.append({"Similarity": alike, "Face": face_detail(face, target)})
        else:
            others.append(face_detail(face, target))
    return {
        "SourceImageFace": about_source,
        "FaceMatches": sorted(matches, key=lambda match: -match["Similarity"]),
        "UnmatchedFaces": others,
    }
