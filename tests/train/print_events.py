"""Prints what TensorBoard's own reader makes of a folder of event files: TAG STEP VALUE, one a line.

Usage: print_events.py PACKAGES FOLDER   (PACKAGES: where scripts/setup.sh put tensorboard)
"""
import sys

packages, folder = sys.argv[1:]
sys.path.insert(0, packages)
try:
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
except ImportError as error:
    sys.exit(f"{packages} lacks what TensorBoard's reader needs ({error}): run scripts/setup.sh")

events = EventAccumulator(folder, size_guidance={SCALARS: 0}).Reload()
for tag in sorted(events.Tags()["scalars"]):
    for point in events.Scalars(tag):
        print(tag, point.step, point.value)
