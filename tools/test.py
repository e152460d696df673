"""Evaluates a segmenter or a generator: `ganaug test`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('test')
