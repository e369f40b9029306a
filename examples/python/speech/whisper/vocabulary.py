"""Whisper's tokens: text by its tokenizer, and special ones that say the language, the task, and
times in steps of 20 ms."""

from pathlib import Path

from mlx.lm import Tokenizer

STEP = 0.02  # seconds of a timestamp
WINDOW = 30.0  # seconds that the model hears at once
NO_SPEECH = ("<|nospeech|>", "<|nocaptions|>")


class Vocabulary:
    def __init__(self, folder, settings, size):
        """Of the folder's tokenizer.json; `settings` as generation_config.json has them, `size`
        the model's vocabulary."""
        path = Path(folder) / "tokenizer.json"
        if not path.is_file():
            raise ValueError(f"{path} is missing, the model's tokenizer")
        self.tokenizer = Tokenizer(path)
        self.path, self.size = path, size
        self.end = self.token("<|endoftext|>")
        self.start = self.token("<|startoftranscript|>")
        self.previous = self.token("<|startofprev|>")
        self.no_timestamps = self.token("<|notimestamps|>")
        self.tasks = {task: self.token(f"<|{task}|>") for task in ("transcribe", "translate")}
        self.no_speech = next(filter(None, map(self.tokenizer.id, NO_SPEECH)), None)
        self.first_time = self.no_timestamps + 1
        self.languages = self._languages()
        self.multilingual = settings.get("is_multilingual", size >= 51865)
        self.suppressed = self._suppressed(settings)
        self.suppressed_first = self._known(settings.get("begin_suppress_tokens"))

    def token(self, piece):
        found = self.tokenizer.id(piece)
        if found is None or found >= self.size:
            raise ValueError(f"{self.path}: not Whisper's, {piece} is not one of its tokens")
        return found

    def _languages(self):
        """Their codes, which stand between the start and the tasks."""
        tokens = range(self.start + 1, min(self.tasks.values()))
        return {(self.tokenizer.piece(t) or "").strip("<|>"): t for t in tokens}

    def _known(self, tokens):
        return sorted({t for t in tokens or [] if 0 <= t < self.size})

    def _suppressed(self, settings):
        """What is never said: special tokens, and signs that are no speech."""
        special = range(self.end + 1, self.no_timestamps + 1)
        return self._known([*(settings.get("suppress_tokens") or []), *special])

    def check(self, language, task):
        """Refuses a language or task that the model has not."""
        if task not in self.tasks:
            raise ValueError(f"the task {task!r}: it is transcribe or translate")
        if language is not None and language not in self.languages:
            raise ValueError(f"the language {language!r}: it is one of {', '.join(self.languages)}")
        if not self.multilingual and (task == "translate" or language not in (None, "en")):
            raise ValueError("the model knows only English: a multilingual one is needed")

    def prompt(self, language, task, timestamps):
        """The tokens that say what is wanted."""
        about = [self.languages[language], self.tasks[task]] if self.multilingual else []
        return [self.start, *about, *([] if timestamps else [self.no_timestamps])]

    def is_time(self, token):
        return token >= self.first_time

    def seconds(self, token):
        return (token - self.first_time) * STEP

    def text(self, tokens):
        """The text of tokens, without special ones."""
        return self.tokenizer.decode([t for t in tokens if t < self.end])

    def encode(self, text):
        return self.tokenizer.encode(text, bare=True, plain=True)
