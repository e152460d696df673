"""Lays out CamVid, IDD-Lite or CMP facades: `ganaug convert-dataset`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('convert-dataset')
