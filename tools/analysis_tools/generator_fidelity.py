"""Measures how well a generator paints each class: `ganaug fidelity`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('fidelity')
