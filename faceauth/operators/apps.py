"""Stands in INSTALLED_APPS in place of `django.contrib.admin`."""

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "faceauth.operators.site.OperatorSite"
