"""Is there a Docker Engine with our image? And its command `docker`."""

from __future__ import annotations

import subprocess

import pytest

IMAGE = "postgres:18"


def docker(*arguments: str) -> list[str]:
    """The words that the command `docker` prints."""
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def images_or_skip() -> list[str]:
    """The engine's images, ours among them; skips with the reason where it cannot be."""
    try:
        images = docker("images", "--format", "{{.Repository}}:{{.Tag}}")
    except FileNotFoundError:
        pytest.skip("no Docker Engine: there is no command `docker`")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no Docker Engine: {error.stderr.strip()}")
    if IMAGE not in images:
        pytest.skip(f"the Docker Engine has no image {IMAGE}: run `docker pull {IMAGE}`")
    return images
