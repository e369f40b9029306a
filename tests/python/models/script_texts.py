"""Texts in many scripts, for the tests of tokenizers and bench/models/compare_tokenizers.py."""

import random
import re

TEXTS = {
    "Latin": "The quick brown fox doesn't jump; it's lazy! E-mail: a.b@c.de, 3.14 & 1,000,000 $5.\n\n\tEnd",
    "Latin accents": "Zażółć gęślą jaźń. Ça déjà vu, Ünïcödé straße, señor ŐŰ; Tiếng Việt rất đẹp ½ ﬁ ligature",
    "Turkish": "İstanbul'da IĞDIR ışık, Türkçe güzel bir dildir. I'LL İ̇ ı",
    "Greek": "Η γρήγορη αλεπού πηδά πάνω από το τεμπέλικο σκυλί. ΣΊΣΥΦΟΣ ᾳ ἀρχῇ",
    "Cyrillic": "Съешь же ещё этих мягких французских булок, да выпей чаю. Ґрунт їжак Љубав",
    "Arabic": "السَّلامُ عليكم، كيف حالك؟ ١٢٣٤٥ يوم جميل في المدينة ﷺ",
    "Persian": "می‌خواهم کتاب‌ها را بخوانم، ۱۴۰۳ سال خوبی بود.",
    "Urdu": "یہ ایک خوبصورت دن ہے، ہم سب خوش ہیں۔",
    "Hebrew": "שָׁלוֹם עולם, מה שלומך היום? תל־אביב 2024 צה״ל",
    "Syriac": "ܫܠܡܐ ܥܠܡܐ ܐܝܟܢܐ ܐܝܬܝܟ",
    "Thaana": "ދިވެހި ބަހަކީ ރީތި ބަހެކެވެ",
    "Devanagari": "नमस्ते दुनिया, यह एक सुंदर दिन है। १२३ क्षत्रिय ज़िन्दगी",
    "Bengali": "আমার সোনার বাংলা, আমি তোমায় ভালোবাসি। ১২৩",
    "Gurmukhi": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ ਦੁਨੀਆਂ, ਇਹ ਇੱਕ ਸੋਹਣਾ ਦਿਨ ਹੈ।",
    "Gujarati": "નમસ્તે દુનિયા, આજે સુંદર દિવસ છે. ૧૨૩",
    "Oriya": "ନମସ୍କାର ଦୁନିଆ, ଆଜି ଏକ ସୁନ୍ଦର ଦିନ।",
    "Tamil": "வணக்கம் உலகம், இன்று ஒரு அழகான நாள். ௧௨௩",
    "Telugu": "నమస్కారం ప్రపంచం, ఈ రోజు అందమైన రోజు. ౧౨౩",
    "Kannada": "ನಮಸ್ಕಾರ ಪ್ರಪಂಚ, ಇಂದು ಸುಂದರ ದಿನ. ೧೨೩",
    "Malayalam": "നമസ്കാരം ലോകം, ഇന്ന് മനോഹരമായ ദിവസം. ൧൨൩ ൻ",
    "Sinhala": "ආයුබෝවන් ලෝකය, අද ලස්සන දවසක්. ශ්‍රී ලංකා",
    "Thai": "สวัสดีชาวโลก วันนี้เป็นวันที่สวยงาม ๑๒๓ น้ำใจ",
    "Lao": "ສະບາຍດີຊາວໂລກ ມື້ນີ້ເປັນມື້ທີ່ສວຍງາມ ໑໒໓",
    "Khmer": "សួស្តី​ពិភពលោក ថ្ងៃនេះ​ជា​ថ្ងៃ​ដ៏​ស្រស់​ស្អាត ១២៣",
    "Myanmar": "မင်္ဂလာပါ ကမ္ဘာလောက၊ ဒီနေ့ လှပတဲ့ နေ့ပါ။ ၁၂၃",
    "Tibetan": "བཀྲ་ཤིས་བདེ་ལེགས། དེ་རིང་ཉི་མ་མཛེས་པོ་རེད། ༡༢༣",
    "Georgian": "გამარჯობა მსოფლიო, დღეს მშვენიერი დღეა. ᲛᲗᲐᲕᲠᲣᲚᲘ",
    "Armenian": "Բարեւ աշխարհ, այսօր գեղեցիկ օր է։ ԱԲԳ և",
    "Ethiopic": "ሰላም ልዑል፣ ዛሬ ቆንጆ ቀን ነው። ፩፪፫",
    "Hangul": "안녕하세요 세계, 오늘은 아름다운 날입니다. 한글 ㄱㄴ",
    "Hangul jamo": "\u1112\u1161\u11ab\u1100\u1173\u11af \u1100\u1161\u11a8",
    "Kana": "こんにちは世界。今日はいい天気ですね！カタカナ ﾊﾝｶｸ ゞ ー が\u304b\u3099",
    "Han": "你好，世界！今天天气很好。我們去學校吧，2024年１２月。𠀀𪚥 ㊙",
    "Bopomofo": "ㄅㄆㄇㄈ ㄓㄨㄥ ㄨㄣˊ",
    "Yi": "ꆈꌠꁱꂷ ꀊꁱ",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ᠌ ᠨᠢᠭᠡ\u180e ᠬᠣᠶᠠᠷ",
    "Cherokee": "ᎣᏏᏲ ᎡᎶᎯ ᏣᎳᎩ ꭰꭱꭲ",
    "Syllabics": "ᐃᓄᒃᑎᑐᑦ ᐅᖃᐅᓯᖅ ᓄᓇᕗᑦ",
    "Runic": "ᚠᚢᚦᚨᚱᚲ ᛫ ᛗᚨᚾᚾᚨᛉ",
    "Ogham": "ᚋᚐᚊᚔ\u1680ᚋᚒᚉᚑᚔ",
    "Glagolitic": "ⰃⰎⰀⰃⰑⰎⰉⰜⰀ ⰰⰱⰲ",
    "Tifinagh": "ⵜⴰⵎⴰⵣⵉⵖⵜ ⴰⵣⵓⵍ",
    "N'Ko": "ߒߞߏ ߞߊ߲߫ ߁߂߃",
    "Gothic": "𐌲𐌿𐍄𐌹𐍃𐌺 𐍂𐌰𐌶𐌳𐌰",
    "Deseret": "𐐔𐐯𐑅𐐨𐑉𐐯𐐻 𐐈𐑊𐑁𐐩𐐺𐐯𐐻",
    "Cuneiform": "𒀀𒁀 𒂍𒃻 𒐀",
    "Javanese": "ꦲꦏ꧀ꦱꦫꦗꦮ ꧐꧑",
    "Balinese": "ᬅᬓ᭄ᬱᬭᬩᬮᬶ ᭑᭒",
    "Emoji": "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇫🇷🇯🇵 ❤️ 1️⃣ ☃ 🧑🏿‍🚀!",
    "Marks": "e\u0301 a\u0308\u0323 o\u0302\u0301\u0327 x\u0338 \u0301alone n\u0303 \u1e9b\u0323 \u212b \u2126",
    "Directions": "abc \u200fعربي\u200e (\u202bاختبار\u202c) \u2067x\u2069 \u061c؟",
    "Private": "\ue000\uf8ff text \U000f0000\U0010fffd",
    "Noncharacters": "a\ufdd0b\uffff c\U0001fffe",
    "Controls": "a\x00b\x01c\x1b[0m\x7f\x80\x85\x9f d\u200bi\u00adv\ufeffe\u2028s\u2029\u200d!",
    "Spaces": "  two   three\u00a0nbsp\u3000wide\u2003em\u202fthin \r\n\r\n\n x \t\ty \u2028 z   ",
    "Mathematics": "𝐀𝔅ℂ𝟙𝟚 ∑∫√∞ ≠ x²⁺₁ Ⅷ ① ⒜ Ⓩ 🅰 ﹪ ％",
    "Code": 'def f(x):\n    return x**2  # it\'s\n\n\nif(a&&b){\r\n\tprintf("%d\\n", i++);\r\n}\n',
    "Contractions": "I'M you'RE we'll They'D 'sup ſ'ſ can't've o'clock 's't'",
    "Numbers": "1 12 123 1234 12345 0x1F 3.14159 1e-9 ½ ² ٣ Ⅳ 1,234.5",
    "Punctuation": "¿Qué? «oui» „nein“ …—–- ‘x’ 'y' \"z\" // ** __ ## !!??? 。、・「」",
    "Marks of pieces": "a▁b ▁▁ c▁ Ġ Ċ ## ##ing <0x41> <s> </s> [UNK] <unk> <|x|>",
}

BROKEN = [
    b"\xff\xfe abc", b"a\x80b", b"\xe4\xbd", b"x\xed\xa0\x80y", b"\xf0\x9f\x98 z", b"\xc0\xaf",
    b"\xf5\x80\x80\x80", b"ok \xe4\xbd\xa0\xe5", b"\xed\xb0\x80\xed\xa0\x80", b"\xf4\x90\x80\x80 end",
]  # fmt: skip


def mixed(seed, count, length=60):
    """Strings of characters, words and white space of all the texts."""
    draw = random.Random(seed)
    texts = list(TEXTS.values())
    words = [w for t in texts for w in t.split(" ")]
    chars = "".join(texts)
    made = []
    for _ in range(count):
        parts = []
        for _ in range(draw.randrange(1, length)):
            kind = draw.randrange(8)
            if kind < 3:
                parts.append(draw.choice(words))
            elif kind < 5:
                parts.append(draw.choice(chars) * draw.choice((1, 1, 1, 2, 5)))
            elif kind == 5:
                parts.append(draw.choice(("  ", "\n", "\t", "\r\n", "\u00a0", " \n ", "   ")))
            else:
                parts.append(" " + draw.choice(words))
        made.append("".join(parts))
    return made


def corpus(seed=0):
    """Some hundred lines to train small tokenizers with, without zeros and special tokens."""
    texts = list(TEXTS.values()) * 3 + mixed(seed, 400, 30)
    return [re.sub(r"\0|</?s>|<unk>", "", t) for t in texts]
