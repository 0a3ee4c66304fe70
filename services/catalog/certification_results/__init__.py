"""Results across certificates (resultater på tvers): which certificates meet a requirement, how it was shown, and by
whom; for test laboratories that must name them all in a report."""
