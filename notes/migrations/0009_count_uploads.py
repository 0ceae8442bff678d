"""Count how often somebody sends files, and imports."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("notes", "0008_rename_bin_to_trash"),
    ]

    operations = [
        migrations.CreateModel(
            name="SendCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=10, verbose_name="kind")),
                ("began", models.DateTimeField(verbose_name="began")),
                ("count", models.PositiveIntegerField(default=0, verbose_name="count")),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes_sent",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "count of uploads",
                "verbose_name_plural": "counts of uploads",
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "kind"), name="notes_one_count_of_a_kind"),
                ],
            },
        ),
    ]
