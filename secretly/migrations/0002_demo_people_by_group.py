"""The people of `manage.py demo` are the members of a group, and its sign-ins have addresses that nobody real has.

So the table that listed both is not needed. Its people move into the group; `demo --remove` then finds all of them.
"""

from typing import Any

from django.db import migrations

GROUP = "made by manage.py demo"


def move_people(apps: Any, schema_editor: Any) -> None:
    database = schema_editor.connection.alias
    made = apps.get_model("secretly", "Demonstration").objects.using(database).values_list("users", flat=True)
    keys = [key for run in made for key in run]
    if keys:
        group, _created = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=GROUP)
        group.user_set.add(*apps.get_model("auth", "User").objects.using(database).filter(pk__in=keys))


class Migration(migrations.Migration):
    dependencies = [("secretly", "0001_demonstrations"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunPython(move_people, migrations.RunPython.noop),
        migrations.DeleteModel("Demonstration"),
    ]
