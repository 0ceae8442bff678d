"""Add when a user's faces last changed, so that the user can be UPDATING for a while."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("faceauth_local", "0001_faces")]

    operations = [
        migrations.AddField(model_name="user", name="updated", field=models.DateTimeField(null=True)),
    ]
