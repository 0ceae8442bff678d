"""Rekognition's operations, each a function from checked parameters to an answer in AWS's shape."""
