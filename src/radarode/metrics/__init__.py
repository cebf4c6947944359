"""Score heartbeats and curves against a reference: pure functions on numpy arrays.

Conventions, the same for every metric:

- The prediction comes first, the reference second. Beat times are seconds from the start of the
  recording, one-dimensional, increasing.
- A predicted and a reference beat can match when they are at most `TOLERANCE_S` = 150 ms apart, bounds
  included; matching is one-to-one, as many pairs as possible, and among those the smallest total distance.
- Errors are over matched beats; what did not match shows in MDR, precision and F1. Medians over recordings say
  over how many (`summary.Medians`).
- Errors are medians of absolute differences, in ms, bpm or mV. A perfect prediction scores exactly 0
  error and 1.0 in precision, recall, F1, PCC.
- What cannot be computed is NaN, never a flattering number: an error over no matched beats, a detection
  rate without reference beats. Precision without any prediction is 0 as long as there was something to find.
- Curves have NaN where samples are missing. Where the *reference* is missing nothing is scored; where the
  *prediction* is missing it counts as zero (after min-max scaling): a cycle in a gap has PCC 0, and the RMSE of
  a flat line. A curve with its waves in the wrong place can have a larger RMSE than that, so a gap may improve
  an RMSE: read it beside coverage and PCC.
- Nothing is aligned here. Delays are estimated in `delay.py`, and only callers that say so remove them.
"""
