from django.urls import path

from faceauth import views

app_name = "faceauth"

urlpatterns = [
    path("login/", views.login_view, name="login"),
    path("login/remember/", views.remember_view, name="remember"),
    path("logout/", views.logout_view, name="logout"),
    path("forget/", views.forget_view, name="forget"),
]
