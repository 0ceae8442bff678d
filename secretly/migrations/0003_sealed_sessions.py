"""Sessions are sealed from now on. Those of before hold their keys in clear text, so they end here, once."""

from typing import Any

from django.db import migrations


def end_sessions(apps: Any, schema_editor: Any) -> None:
    apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies = [("secretly", "0002_demo_people_by_group"), ("sessions", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("sessions.session",),
        ),
        migrations.RunPython(end_sessions, migrations.RunPython.noop),
    ]
