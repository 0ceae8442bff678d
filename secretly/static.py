from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from secretly.joining import join

JOINED = frozenset(
    {
        "notes/copy_setting.js",
        "notes/hush_setting.js",
        "notes/notebook.js",
        "notes/viewer.js",
        "notes/renewal.js",
        "site/offline.js",
        "faceauth/sign_in.js",
    }
)
"""The scripts that pages name, or ask for later. Each is one file with all that it imports."""


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, with the modules of a script joined, and the `import` lines of others rewritten."""

    support_js_module_import_aggregation = True
    max_post_process_passes = 12  # one for each module in the longest chain of imports

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            paths |= {name: (self, self.joined(name, paths)) for name in JOINED & paths.keys()}
        yield from super().post_process(paths, dry_run, **options)

    def joined(self, name: str, paths: dict[str, Any]) -> str:
        """Write the script in the place of the copy that was collected."""

        def read(path: str) -> str:
            storage, name = paths[path]
            with storage.open(name) as file:
                return str(file.read().decode())

        text = join(name, read, JOINED)
        self.delete(name)
        return str(self.save(name, ContentFile(text.encode())))
