"""Files that mean harm, or were never catalogues: each ends in one sentence, soon and in little memory."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.campaigns.files import xlsx

MB = 1_000_000
HEADER = b"code,name,price\n"
NOISE = bytes(range(128, 256)) * 40
SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{before}<sheetData>{rows}</sheetData></worksheet>'
CELL = '<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'
TOP = (
    "<row>"
    + "".join(CELL.format(at=f"{column}1", text=name) for column, name in zip("ABC", ("code", "name", "price"), strict=True))
    + "</row>"
)
LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "&{a};&{a};&{a};&{a};&{a};&{a};&{a};&{a};">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
OUTSIDE = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def book(rows: str = "", *, before: str = "", head: str = "", **parts: bytes) -> bytes:
    """Return a workbook whose first sheet is the XML given; `parts` replaces whole parts by the end of their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx(["code"]))) as good, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bad:
        for entry in good.infolist():
            stem = Path(entry.filename).stem
            sheet = head + SHEET.format(before=before, rows=rows)
            content = sheet.encode() if stem == "sheet1" else good.read(entry)
            bad.writestr(entry.filename, parts.get(stem, content))
    return buffer.getvalue()


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def row(text: str, *, at: str = "A2") -> str:
    return f"<row>{CELL.format(at=at, text=text)}</row>"


FILES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n\t\r\n" * 1000,
    "a mark alone": b"\xef\xbb\xbf",
    "NULs": b"\0" * MB,
    "a NUL in a name": HEADER + b"K1,Co\0at,1\n",
    "noise": NOISE,
    "high bytes": b"\xff" * 10_000,
    "UTF-16": "code,name\nK1,Coat\n".encode("utf-16"),
    "UTF-32": "code,name\nK1,Coat\n".encode("utf-32"),
    "half a sign": HEADER + "K1,羊".encode()[:-1],
    "half a sign of GB18030": HEADER + b"K1,\x81\x30\n",
    "a surrogate": HEADER + b"K1,\xed\xa0\x80,1\n",
    "a PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE,
    "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
    "an old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000,
    "a gzip": b"\x1f\x8b\x08\0" + NOISE,
    "a web page": b"<!doctype html><title>Sign in</title><p>Please, sign in",
    "JSON": b'[{"code": "K1", "name": "Coat"}]\n',
    "a script": b"#!/bin/sh\nrm -rf /\n",
    "a header alone": HEADER,
    "a header of blanks": b",,,\nK1,Coat,1,\n",
    "a header twice": b"code,name,code\nK1,Coat,K2\n",
    "another header": b"Order,Customer\n1,2\n",
    "rows wider than the header": HEADER + b"K1,Coat,1,2,3\n",
    "a quote never closed": HEADER + b'"K1,' + b"Coat,1\n" * 100_000,
    "a quote in the middle": HEADER + b'K1,"Co"at,1\n',
    "quotes alone": b'"' * MB,
    "one endless line": b"x" * (20 * MB),
    "one endless header": b"code,name," + b"x," * 100_000 + b"\nK1,Coat\n",
    "a column too many": ",".join(f"c{n}" for n in range(301)).encode() + b"\nK1\n",
    "commas": b"," * (5 * MB),
    "line ends": b"\n" * (5 * MB),
    "carriage returns": HEADER + b"\r" * (5 * MB),
    "more than fits": HEADER + b"K,Coat,1\n" * (4 * MB),
    "too many rows": HEADER + b"".join(b"K%d,a,1\n" % number for number in range(100_002)),
    "as wide and long as may be": ",".join(["code", "name", *(f"c{n}" for n in range(297))]).encode()
    + b"\n"
    + (b"K1,a" + b"," * 297 + b"\n") * 90_000,
    "a value without end": HEADER + b"K1," + b"a" * 60_000 + b",1\n",
    "codes of every kind": HEADER
    + b"../../etc,Coat,1\n'; DROP TABLE candidate;--,Coat,1\n<script>,Coat,1\n=1+1,Coat,1\n"
    + "Ｋ１,Coat,1\n".encode(),
    "numbers of every kind": HEADER + b"K1,a,1e999\nK2,a,NaN\nK3,a,-1\nK4,a,0x10\nK5,a," + b"9" * 4000 + "\nK6,a,١٢\nK7,a,∞\n".encode(),
    "counts of every kind": b"code,name,minimum\nK1,a,1e9\nK2,a,-5\nK3,a,99999999999\nK4,a,1.5\n" + "K5,a,²\n".encode(),
    "rates of every kind": b"code,name,tax_rate\nK1,a,101\nK2,a,1e2\nK3,a,%\nK4,a,--\n",
    "one code a thousand times": b"code,name,option1_value\n" + b"".join(b"K1,a,%d\n" % number for number in range(1000)) * 2,
    "signs that turn the page": HEADER + "K1,\u202eCoat\u202c\u0000,1\n".encode(),
    "Shopify without a handle": b"Handle,Title,Variant Price\n,Coat,1\n,,2\n",
    "Shopify with brackets": b"Handle,Title,Body (HTML)\nk1,Coat," + b"<" * 40_000 + b"\n",
    "Shopify with entities": b"Handle,Title,Body (HTML)\nk1,Coat," + b"&#x110000;&#0;&#xd800;&lt" * 1000 + b"\n",
    "WooCommerce in a circle": b"ID,Type,SKU,Name,Parent\n1,variable,A,Coat,A\n2,variation,A,Coat,A\n3,variation,B,Coat,id:3\n",
    "WooCommerce multiplied": b"ID,Type,SKU,Name,Parent,Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)\n"
    b'1,variable,A,Coat,,c,"'
    + b",".join(b"%d" % n for n in range(3000))
    + b'",s,"'
    + b",".join(b"%d" % n for n in range(3000))
    + b'"\n'
    + b"2,variation,B,Coat,A,c,,s,\n",
    "an empty archive": archive(),
    "an archive of texts": archive(readme=b"hello"),
    "half a workbook": book(TOP + row("K1"))[:900],
    "a workbook without a sheet": archive(**{"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}),
    "a workbook of noise": book(sheet1=NOISE),
    "a workbook that is no XML": book(workbook=b"<workbook", sheet1=b"<"),
    "a billion laughs": book(TOP + row("&i;"), head=LAUGHS),
    "a look outside": book(TOP + row("&a;"), head=OUTSIDE),
    "a bomb": archive(**{"xl/worksheets/sheet1.xml": b"\0" * (101 * MB)}),
    "a small bomb": book(TOP + f"<row>{CELL.format(at='B2', text='')}</row>" * 10_000 + row("K1") * 10_000),
    "a workbook of endless cells": book(TOP + row("a" * (20 * MB))),
    "a workbook with a lie of its size": book(TOP + row("K1"), before='<dimension ref="A1:XFD1048576"/>'),
    "a workbook with its only row far below": book(TOP + f'<row r="1048576">{CELL.format(at="A1048576", text="K1")}</row>'),
    "a workbook with its only cell far out": book(TOP + f"<row>{CELL.format(at='XFD2', text='K1')}</row>"),
    "a workbook of formulas": xlsx(["code", "name"], ["K1", '=HYPERLINK("https://example.com")']),
    "a workbook of strange values": book(
        TOP + '<row><c r="A2" t="n"><v>1e999</v></c><c r="B2" t="d"><v>never</v></c><c r="C2" t="s"><v>99</v></c></row>'
    ),
    "a workbook with a row that is none": book(TOP + '<row r="-5"><c r="?"><v>1</v></c></row>'),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    done = subprocess.run([sys.executable, "-m", "tests.safety.hostile_reading", folder], capture_output=True, check=True, timeout=600)
    return {each["name"]: each for each in json.loads(done.stdout)}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_answered_soon_in_little_memory(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    found = outcomes[name]
    assert found["status"] == 0
    assert "BROKEN" not in found["said"]
    assert found["said"]
    assert found["mb"] < 256
    assert found["cpu"] < 4  # two on a machine that does nothing else


def test_there_are_many() -> None:
    assert len(FILES) >= 60
