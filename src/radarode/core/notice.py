"""The notice that stands wherever the project shows an ECG."""

SHORT_NOTICE = "reconstructed, not measured; not for diagnosis"

NOTICE = (
    "This ECG is reconstructed from chest motion, not measured. "
    "radarode is research software, not a medical device; do not use it for diagnosis."
)
