"""A transcript as text, as subtitles (SRT, WebVTT), or as JSON."""

import json
from dataclasses import asdict


def clock(seconds, comma):
    """hours:minutes:seconds and thousandths behind a comma or point."""
    total = round(seconds * 1000)
    rest, thousandths = divmod(total, 1000)
    minutes, s = divmod(rest, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{s:02d}{comma}{thousandths:03d}"


def as_text(transcript):
    return "".join(f"{s.text.strip()}\n" for s in transcript.segments)


def as_srt(transcript):
    cues = (
        f"{i}\n{clock(s.start, ',')} --> {clock(s.end, ',')}\n{_cue(s.text)}\n"
        for i, s in enumerate(transcript.segments, 1)
    )
    return "\n".join(cues)


def as_vtt(transcript):
    cues = (
        f"\n{clock(s.start, '.')} --> {clock(s.end, '.')}\n{_cue(s.text)}\n"
        for s in transcript.segments
    )
    return "WEBVTT\n" + "".join(cues)


def _cue(text):
    """An arrow would end the text."""
    return text.strip().replace("-->", "->")


def as_json(transcript):
    segments = [asdict(s) for s in transcript.segments]
    whole = {"language": transcript.language, "text": transcript.text, "segments": segments}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


FORMATS = {"txt": as_text, "srt": as_srt, "vtt": as_vtt, "json": as_json}
