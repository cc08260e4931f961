"""Signs a reader up in the demo whose address is given, so that made-up calls of the API find somebody."""
import sys
import urllib.parse
import urllib.request

FIELDS = {
    "series": "fighting-cancer-with-immunotherapy",
    "email": "reader@example.org",
    "condition": "lung",
    "timezone": "Europe/Berlin",
}

with urllib.request.urlopen(sys.argv[1] + "/subscribe", urllib.parse.urlencode(FIELDS).encode()) as answer:
    assert answer.status == 200, answer.status
