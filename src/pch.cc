// Carries the precompiled header (pch.h) for all rooms and tests.
