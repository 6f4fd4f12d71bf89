//! Reads the published forms of sanctions lists. It must never decide a match.
