"""The labels that operators and people read, in the field's words. No column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("faceauth", "0010_names_of_the_field"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="deletion",
            options={"ordering": ("-requested", "pk"), "verbose_name": "deletion", "verbose_name_plural": "deletions"},
        ),
        migrations.AlterModelOptions(
            name="enrolment",
            options={
                "ordering": ("pk",),
                "verbose_name": "enrolment in progress",
                "verbose_name_plural": "enrolments in progress",
            },
        ),
        migrations.AlterModelOptions(
            name="face",
            options={
                "ordering": ("-enrolled",),
                "permissions": (("act_on_people", "Can deactivate, activate, sign out, reset and forget people"),),
                "verbose_name": "face",
                "verbose_name_plural": "faces",
            },
        ),
        migrations.AlterModelOptions(
            name="livenesssession",
            options={
                "verbose_name": "liveness check in progress",
                "verbose_name_plural": "liveness checks in progress",
            },
        ),
        migrations.AlterField(
            model_name="healthcheck",
            name="faces",
            field=models.PositiveBigIntegerField(default=0, verbose_name="faces checked"),
        ),
        migrations.AlterField(
            model_name="photologin",
            name="choice",
            field=models.CharField(
                choices=[
                    ("open", "A photo opens my notebook, as a liveness check does."),
                    ("with_lock", "A photo opens my notebook only together with my second factor."),
                    ("never", "A photo never opens my notebook."),
                ],
                default="open",
                max_length=16,
                verbose_name="choice",
            ),
        ),
    ]
