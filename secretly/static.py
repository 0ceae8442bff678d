from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, with the `import` lines of ES modules rewritten to the hashed names, too."""

    support_js_module_import_aggregation = True
    max_post_process_passes = 12  # one for each module in the longest chain of imports
