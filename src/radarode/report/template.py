"""The page around the figures: its frame and its style, light and dark."""

from __future__ import annotations

from string import Template

_STYLE = """
:root{color-scheme:light dark;--page:#fff;--card:#f7f8fa;--ink:#1f2329;--muted:#5b6573;--rule:#dfe3e9;
--reconstructed:#0a66c4;--reference:#4a515d;--r-mark:#c0255d;--deployable:#b6560b;--calibrated:#0a66c3;
--oracle:#7d8593;--gap:#f3e6c8;--note:#fff4d6;--note-ink:#5c4300;--note-rule:#e5c365}
@media (prefers-color-scheme:dark){:root{--page:#14171c;--card:#1c2128;--ink:#e6e9ee;--muted:#a3adba;--rule:#363d48;
--reconstructed:#5aa9f2;--reference:#b4bcc8;--r-mark:#f2719b;--deployable:#f0a04b;--calibrated:#5aa9f2;
--oracle:#9aa3b0;--gap:#3a3423;--note:#3a2f12;--note-ink:#f6dd9c;--note-rule:#7a6221}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:74rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;margin:.6rem 0 .2rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem}h3{font-size:1.05rem;margin:1.6rem 0 .2rem}
p{margin:.3rem 0 .8rem;max-width:48rem}
.notice{background:var(--note);color:var(--note-ink);border:1px solid var(--note-rule);border-radius:.5rem;
padding:.6rem .8rem;max-width:none;font-weight:600}
.simulated{border-left:.25rem solid var(--deployable);padding-left:.6rem}
.tag{font-style:normal;font-size:.8rem;font-weight:600;color:var(--deployable);border:1px solid currentColor;
border-radius:1rem;padding:.05rem .5rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin:1rem 0}
.tile{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;padding:.5rem .7rem;
display:flex;flex-direction:column}
.tile span,.tile i{font-size:.82rem;color:var(--muted);font-style:normal}.tile b{font-size:1.5rem;line-height:1.25}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:bottom}
th{font-weight:600}thead th{color:var(--muted);max-width:8rem}
tbody th,.gt_stub,.gt_stubhead,thead th:first-child{text-align:left;white-space:nowrap}
@media (max-width:32rem){table{font-size:.8rem}th,td{padding:.25rem .3rem}
.gt_stub,.gt_stubhead,tbody th,thead th:first-child{white-space:normal!important}}
figure{min-width:0}
.gt_column_spanner_outer{text-align:center}
.meanings{color:var(--muted);font-size:.9rem;padding-left:1.1rem}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem;align-items:start}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:.5rem;padding:.6rem}
figure svg{display:block;width:100%;height:auto;max-width:42rem;margin:0 auto}
figure svg text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif!important}
figcaption{font-size:.85rem;color:var(--muted);margin-top:.4rem}
footer{color:var(--muted);font-size:.85rem;border-top:1px solid var(--rule);margin-top:2rem;padding-top:.6rem}
"""

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>radarode report</title>
<style>"""
    + _STYLE
    + """</style>
</head>
<body>
<main>
<p class="notice" role="note">$notice</p>
<h1>Reconstructed ECG against its reference</h1>
<p>$lead</p>
$simulated
<div class="tiles">$headline</div>
<h2>All metrics</h2>
$metrics
$notes
<h2>Timing</h2>
<div class="figures">$pooled</div>
<h2>Subjects</h2>
$subjects
<h2>Recordings</h2>
$choice
$recordings
<footer>The three columns are never mixed. All are scored on the same beats, the first 20 s included; a reference
beat in a gap counts as missed, and missing samples count as zero in the
shape scores, so read RMSE beside coverage. Every metric of every
recording: <code>metrics.csv</code>; beside it a PNG and a CSV of each figure.<br>$notice</footer>
</main>
</body>
</html>
"""
)
