"""An example of each answer for the OpenAPI document, made from one value a field's name.

So an example never lacks a field that an answer has, and the same person and ride go through
all of them.

See: docs/http.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VALUES: Mapping[str, Any] = {
    "act": "arrive",
    "aliases": ["駅"],
    "arrival": "2026-11-25T10:21:00+09:00",
    "by_channel": {"counter": 310, "phone": 560, "web": 142},
    "by_district": {"内之浦": 288, "高山": 724},
    "capacity": {"seats": 8, "wheelchairs": 1},
    "cause": "",
    "channel": "phone",
    "code": "pickup_window",
    "credit": "地理院タイル",
    "credits": ["© OpenStreetMap contributors (ODbL 1.0)"],
    "detail": "その時刻に迎えに行ける車がありません。",
    "event_number": 412,
    "fare_yen": 300,
    "goal": 1500,
    "id": "bkg_0193a5c2e1f04d7b2c9a",
    "booking_id": "bkg_0193a5c2e1f04d7b2c9a",
    "kana": "きもつき はなこ",
    "kind": "pickup",
    "lat": 31.3446,
    "late_seconds": 0,
    "line": [[130.9454, 31.3446], [130.941, 31.3421]],
    "ahead": [[130.9454, 31.3446], [130.941, 31.3421]],
    "lon": 130.9454,
    "max_ride_seconds": 1260,
    "message": "その時刻に迎えに行ける車がありません。",
    "name": "春陽会中央病院",
    "name_en": "Kimotsuki",
    "name_ja": "肝付町",
    "needs": ["walker"],
    "next_cursor": None,
    "number": "004821-7",
    "phone": "+81994652511",
    "refusals": {"pickup_window": 2},
    "registration_id": "reg_0193a5bf90aa11d2e3f4",
    "route_id": "rte_0193a5be00c0ffee1234",
    "service_day": "2026-11-25",
    "share": 0.67,
    "status": "driving",
    "stop_id": "clinic",
    "subject": "bkg_0193a5c2e1f04d7b2c9a",
    "url": "https://tiles.example/{z}/{x}/{y}.png",
    "vehicle_id": "car1",
    "vehicle_name": "1号車",
    "zone": "Asia/Tokyo",
}
"""What a field of this name holds, where the kind of its value allows it."""

BY_FORMAT: Mapping[str, str] = {"date-time": "2026-11-25T10:05:00+09:00", "date": "2026-11-25"}
BY_TYPE: Mapping[str, Any] = {
    "string": "…", "integer": 1, "number": 0.5, "boolean": True, "object": {}, "null": None,
}  # fmt: skip


def add_examples(shapes: dict[str, Any]) -> None:
    """Give an example to each shape of an OpenAPI document that has none."""
    for shape in shapes.values():
        if shape.get("type") == "object" and "examples" not in shape:
            shape["examples"] = [example_of(shape, shapes)]


def example_of(schema: Mapping[str, Any], shapes: Mapping[str, Any], name: str = "") -> Any:
    """A value that `schema` allows, for a field called `name`."""
    if "$ref" in schema:
        return example_of(shapes[schema["$ref"].rsplit("/", 1)[1]], shapes, name)
    if "anyOf" in schema:
        return _any_of(schema["anyOf"], shapes, name)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return VALUES[name] if VALUES.get(name) in schema["enum"] else schema["enum"][0]
    if "properties" in schema:
        parts = schema["properties"].items()
        return {part: example_of(about, shapes, part) for part, about in parts}
    return _plain(schema, shapes, name)


def _any_of(choices: list[dict[str, Any]], shapes: Mapping[str, Any], name: str) -> Any:
    if name in VALUES and VALUES[name] is None:
        return None
    full = [each for each in choices if each.get("type") != "null"]
    return example_of(full[0], shapes, name)


def _plain(schema: Mapping[str, Any], shapes: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type", "object")
    known = VALUES.get(name)
    if kind == "array":
        if isinstance(known, list):
            return known
        parts = schema.get("prefixItems") or [schema.get("items", {})]
        return [example_of(part, shapes, name) for part in parts]
    if kind == "object" and isinstance(known, dict):
        return known
    if "format" in schema:
        return BY_FORMAT.get(schema["format"], BY_TYPE[kind])
    return known if _fits(known, kind) else BY_TYPE[kind]


def _fits(value: object, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case _:
            return False
