"""Command: a contact sheet of an embedded city.

python -m embedded_cities.sheet --style oxford --seed 1 -o sheet.png
"""

import argparse
import io
from pathlib import Path

from PIL import Image, ImageDraw

from embedded_cities.city import CitySpec, Entry, entries

COLOURS = {
    "good": (60, 170, 75),
    "ok": (235, 165, 40),
    "junk": (205, 60, 50),
    "absent": (120, 120, 120),
}
_EDGE, _GAP = 3, 4


def contact_sheet(made: list[Entry], columns: int, size: int) -> Image.Image:
    """Pictures in square cells, one row or more for each landmark, framed by their list."""
    groups: dict[str | None, list[Entry]] = {}
    for entry in made:
        groups.setdefault(entry.landmark, []).append(entry)
    rows = [
        (name, group[i : i + columns])
        for name, group in groups.items()
        for i in range(0, len(group), columns)
    ]
    cell = size + 2 * _EDGE + _GAP
    sheet = Image.new("RGB", (columns * cell + _GAP, len(rows) * cell + _GAP), (245, 245, 245))
    pen = ImageDraw.Draw(sheet)
    for y, (name, group) in enumerate(rows):
        for x, entry in enumerate(group):
            with Image.open(io.BytesIO(entry.picture.jpeg)) as image:
                corner = (
                    _GAP + x * cell + (size - image.width) // 2,
                    _GAP + y * cell + (size - image.height) // 2,
                )
                frame = (
                    corner[0],
                    corner[1],
                    corner[0] + image.width + 2 * _EDGE - 1,
                    corner[1] + image.height + 2 * _EDGE - 1,
                )
                pen.rectangle(frame, COLOURS[entry.picture.category])
                sheet.paste(image, (corner[0] + _EDGE, corner[1] + _EDGE))
        pen.text((_GAP + 4, _GAP + y * cell), name or "no landmark", (20, 20, 20))
    return sheet


def main() -> None:
    """Read the options and write the sheet."""
    parser = argparse.ArgumentParser(description="A contact sheet of an embedded city.")
    parser.add_argument("--style", choices=("oxford", "paris"), required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=192, help="longest side of a picture, pixels")
    parser.add_argument("--landmarks", type=int, default=11)
    parser.add_argument("--views", type=int, default=14, help="pictures of each landmark")
    parser.add_argument("--distractors", type=int, default=28)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    spec = CitySpec(
        options.style,
        options.seed,
        options.landmarks,
        views=options.views,
        distractors=options.distractors,
        size=options.size,
    )
    contact_sheet(list(entries(spec)), options.views, options.size).save(options.output)


if __name__ == "__main__":
    main()
