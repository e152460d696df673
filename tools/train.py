"""Trains a segmenter, a generator or a harmonizer: `ganaug train`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('train')
