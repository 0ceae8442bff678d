"""Measure the error rates of face recognition (ISO/IEC 19795-1). The site does not load this package."""
