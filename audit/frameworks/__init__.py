"""Frameworks and crosswalks, as versioned data."""
