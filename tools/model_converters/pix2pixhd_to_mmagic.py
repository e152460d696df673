"""Converts official pix2pixHD weights: `ganaug convert-pix2pixhd`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('convert-pix2pixhd')
