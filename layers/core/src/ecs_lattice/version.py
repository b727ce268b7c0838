"""The version of the application, which a test compares with those of the packages."""

VERSION = "0.1.0"
