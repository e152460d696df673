"""Runs the whole pipeline on a small data set: `ganaug quickstart`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('quickstart')
