"""The staff's pages are one blueprint; each page group adds its routes to it."""

from flask import Blueprint

bp = Blueprint("admin", __name__, url_prefix="/admin", template_folder="templates")
