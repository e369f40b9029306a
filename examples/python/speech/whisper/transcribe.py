"""Recordings of any length: windows of 30 s, each begun where the last said time of the one before
is, with what was said before as prompt, and decoded again where the text does not look right
(section 4.5 of the paper)."""

import zlib
from dataclasses import dataclass, field

import mlx.core as mx
from speech.speech_features import HOP, RATE, log_mel
from speech.whisper.decode import decode
from speech.whisper.timing import add_words
from speech.whisper.vocabulary import STEP, WINDOW

FRAMES = int(WINDOW * RATE / HOP)  # of features in a window
PER_STEP = int(STEP * RATE / HOP)  # of features in a step of time


@dataclass
class Options:
    language: str = None  # None: what the first window sounds like
    task: str = "transcribe"  # or "translate", into English
    beam: int = 5
    best_of: int = 5
    temperatures: tuple = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # the next where the text does not do
    compression: float = 2.4  # the most that text may shrink: what shrinks more repeats itself
    log_probability: float = -1.0  # the least of a token on average
    no_speech: float = 0.6  # a window that may be silent at this, and is unlikely text, is silent
    timestamps: bool = True
    words: bool = False
    previous_text: bool = True  # as prompt
    prompt: str = ""  # as if it had been said before


@dataclass
class Segment:
    start: float
    end: float
    tokens: list
    text: str
    temperature: float
    mean: float  # logarithm of a token's probability
    compression: float
    no_speech: float
    words: list = field(default_factory=list)


@dataclass
class Transcript:
    language: str
    segments: list

    @property
    def text(self):
        return "".join(s.text for s in self.segments).strip()


def compression(text):
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def features_of(model, samples):
    """Log-mel features of the samples and 30 s of silence, and how many of them are sound."""
    silent = mx.zeros((int(WINDOW * RATE),))
    features = log_mel(mx.concatenate([samples, silent]), model.config.num_mel_bins)
    return features, len(samples) // HOP


def detect_language(model, vocabulary, encoded):
    """The likeliest language of a window, and the probability of each."""
    if not vocabulary.multilingual:
        return "en", {"en": 1.0}
    decoder = model.decoder
    hidden = decoder(mx.array([[vocabulary.start]]), decoder.begin(encoded))
    logits = decoder.logits(hidden)[0, 0].astype(mx.float32)
    tokens = mx.array(list(vocabulary.languages.values()))
    chances = dict(zip(vocabulary.languages, mx.softmax(logits[tokens]).tolist()))
    return max(chances, key=chances.get), chances


def encode(model, features):
    """The encoder's view of the first 30 s of features, (1, S, dims)."""
    window = features[:FRAMES]
    if len(window) < FRAMES:
        window = mx.pad(window, [(0, FRAMES - len(window)), (0, 0)])
    encoded = model.encoder(window[None].astype(model.decoder.embed_tokens.weight.dtype))
    mx.eval(encoded)
    return encoded


def transcribe(model, vocabulary, samples, options=None, progress=None):
    """The Transcript of samples at 16 kHz. progress(done, total): seconds, after each window."""
    options = options or Options()
    vocabulary.check(options.language, options.task)
    features, frames = features_of(model, samples)
    job = Job(model, vocabulary, options, features)
    while job.at < frames:
        job.window(min(FRAMES, frames - job.at))
        if progress:
            progress(min(job.at, frames) * HOP / RATE, frames * HOP / RATE)
    return Transcript(job.language or "en", job.segments)


class Job:
    """A recording that is transcribed: where it stands, and what was said."""

    def __init__(self, model, vocabulary, options, features):
        self.model, self.vocabulary, self.options = model, vocabulary, options
        self.features, self.at = features, 0  # frames
        self.language, self.segments = options.language, []
        self.said = (
            vocabulary.encode(" " + options.prompt.strip()) if options.prompt.strip() else []
        )

    def window(self, frames):
        """Decode the next window, of which so many frames are sound, and go on behind it."""
        encoded = encode(self.model, self.features[self.at : self.at + FRAMES])
        if self.language is None:
            self.language = detect_language(self.model, self.vocabulary, encoded)[0]
        decoded = self.decode(encoded)
        begin = self.at * HOP / RATE
        if self.silent(decoded):
            self.at += frames
            return
        segments, used = self.divide(decoded, frames)
        if self.options.words:
            add_words(self.model, self.vocabulary, encoded, self.asked(), segments, frames)
        for segment in segments:
            self.add(segment, begin)
        self.at += used
        if not self.options.previous_text or decoded.temperature > 0.5:
            self.said = []

    def asked(self):
        o = self.options
        return self.vocabulary.prompt(self.language, o.task, o.timestamps)

    def decode(self, encoded):
        """At the first temperature whose text is like text."""
        asked, most = self.asked(), self.model.config.max_target_positions // 2 - 1
        before = [self.vocabulary.previous, *self.said[-most:]] if self.said else []
        counts = {"beam": self.options.beam, "best_of": self.options.best_of}
        for temperature in self.options.temperatures:
            found = decode(
                self.model, encoded, self.vocabulary, before + asked, asked, temperature, **counts
            )
            if self.good(found):
                break
        return found

    def good(self, decoded):
        repeats = compression(self.vocabulary.text(decoded.tokens)) > self.options.compression
        unlikely = decoded.mean < self.options.log_probability
        return self.silent(decoded) or not (repeats or unlikely)

    def silent(self, decoded):
        o = self.options
        return decoded.no_speech > o.no_speech and decoded.mean < o.log_probability

    def divide(self, decoded, frames):
        """The segments of a window, in seconds from its begin, and how many frames they cover: up
        to the last time after which text goes on, as the next window shall hear that whole."""
        v, tokens = self.vocabulary, decoded.tokens
        end = frames * HOP / RATE
        pairs = [i for i in range(1, len(tokens)) if all(map(v.is_time, tokens[i - 1 : i + 1]))]
        ends_so = len(tokens) > 1 and v.is_time(tokens[-1]) and not v.is_time(tokens[-2])
        if pairs:
            cuts = [0, *pairs, *([len(tokens)] if ends_so else [])]
            parts = [tokens[a:b] for a, b in zip(cuts, cuts[1:])]
            segments = [self.segment(p, v.seconds(p[0]), v.seconds(p[-1]), decoded) for p in parts]
            used = frames if ends_so else (tokens[pairs[-1] - 1] - v.first_time) * PER_STEP
            return segments, max(used, PER_STEP)
        times = [v.seconds(t) for t in tokens if v.is_time(t)]
        last = times[-1] if times and times[-1] > 0 else end
        start = times[0] if len(times) > 1 else 0.0
        return [self.segment(tokens, start, last, decoded)], frames

    def segment(self, tokens, start, end, decoded):
        text = self.vocabulary.text(tokens)
        about = (decoded.temperature, decoded.mean, compression(text), decoded.no_speech)
        return Segment(start, end, tokens, text, *about)

    def add(self, segment, begin):
        """Segments of no text or no length are left out."""
        segment.start, segment.end = begin + segment.start, begin + segment.end
        for word in segment.words:
            word.start, word.end = begin + word.start, begin + word.end
        if segment.text.strip() and segment.end > segment.start:
            self.segments.append(segment)
            self.said += segment.tokens
