"""People whom a photo enrolled and who never came back take up no place among those whom the odds allow."""

from typing import Any

from django.db import migrations, models


def free_places(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("faceauth", "PhotoLogin").objects.using(schema_editor.connection.alias)
    rows.filter(enrolled_by_photo=True, returned=False, liveness_passed=None).update(counted=False)


class Migration(migrations.Migration):
    dependencies = (("faceauth", "0019_accounts_made"),)

    operations = (
        migrations.AddField(
            "photologin", "counted", models.BooleanField(default=True, verbose_name="takes up a place")
        ),
        migrations.RunPython(free_places, migrations.RunPython.noop),
    )
