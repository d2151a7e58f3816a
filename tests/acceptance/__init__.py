"""Tests against one running stack; a package, so that its fixtures end with it."""
