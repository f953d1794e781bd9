"""What vendors' reports of usage mean, read from the raw JSON that was on the wire."""

# No vendor's window comes near this; a report beyond it is a mistake.
REPORTED_MAX = 100_000_000


def openai(report: dict) -> dict:
    """Cached and written parts stand inside the prompt, reasoning inside the completion."""
    prompt_details = report.get("prompt_tokens_details") or {}
    completion_details = report.get("completion_tokens_details") or {}
    return {
        "prompt": report.get("prompt_tokens"),
        "cached": prompt_details.get("cached_tokens") or 0,
        "written": prompt_details.get("cache_write_tokens") or 0,
        "written_1h": 0,
        "completion": report.get("completion_tokens"),
        "reasoning": completion_details.get("reasoning_tokens") or 0,
    }


def responses(report: dict) -> dict:
    """The same as in a chat, by other names."""
    return openai({
        "prompt_tokens": report.get("input_tokens"),
        "prompt_tokens_details": report.get("input_tokens_details"),
        "completion_tokens": report.get("output_tokens"),
        "completion_tokens_details": report.get("output_tokens_details"),
    })


def anthropic(report: dict) -> dict:
    """Cached and written parts stand beside the input."""
    cached, written = report.get("cache_read_input_tokens") or 0, report.get("cache_creation_input_tokens") or 0
    fresh = report.get("input_tokens")
    return {
        "prompt": None if fresh is None else fresh + cached + written,
        "cached": cached,
        "written": written,
        "written_1h": (report.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0,
        "completion": report.get("output_tokens"),
        "reasoning": (report.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
    }


def google(report: dict) -> dict:
    """Thoughts stand beside the answer. A count of zero is left out; whether it is zero only the total tells."""
    prompt = known_sum(report, "promptTokenCount", "toolUsePromptTokenCount")
    completion = known_sum(report, "candidatesTokenCount", "thoughtsTokenCount")
    total = report.get("totalTokenCount")
    if completion is None and prompt is not None and total is not None:
        completion = total - prompt
    return {
        "prompt": prompt,
        "cached": report.get("cachedContentTokenCount") or 0,
        "written": 0,
        "written_1h": 0,
        "completion": completion,
        "reasoning": report.get("thoughtsTokenCount") or 0,
    }


def cohere(report: dict) -> dict:
    """What is billed counts, not what was read; whole numbers are written with a point."""
    billed = {name: int(count) for name, count in (report.get("billed_units") or {}).items()}
    prompt = billed.get("input_tokens")
    cached = int(report.get("cached_tokens") or 0)
    return {
        "prompt": prompt,
        "cached": cached if prompt is None else min(cached, prompt),
        "written": 0,
        "written_1h": 0,
        "completion": billed.get("output_tokens"),
        "reasoning": 0,
    }


def ollama(report: dict) -> dict:
    """A prompt that was still in memory is not counted, which is not the same as a count of zero."""
    return {
        "prompt": report.get("prompt_eval_count"),
        "cached": 0,
        "written": 0,
        "written_1h": 0,
        "completion": report.get("eval_count"),
        "reasoning": 0,
    }


def tgi(report: dict) -> dict:
    return {
        "prompt": report.get("input_length"),
        "cached": 0,
        "written": 0,
        "written_1h": 0,
        "completion": report.get("generated_tokens"),
        "reasoning": 0,
    }


def embedding(count):
    """Vectors generate nothing: the prompt is all there is to count."""

    def read(report: dict) -> dict:
        return {"prompt": count(report), "cached": 0, "written": 0, "written_1h": 0, "completion": 0, "reasoning": 0}

    return read


def cohere_embedding(report: dict) -> int | None:
    count = (report.get("billed_units") or {}).get("input_tokens")
    return None if count is None else int(count)


def pictures(report: dict) -> dict:
    """Some count tokens, which are all output; others draw, and pictures are counted."""
    is_counted = "pictures" in report
    return {
        "prompt": 0 if is_counted else report.get("input_tokens"),
        "cached": 0,
        "written": 0,
        "written_1h": 0,
        "completion": report.get("pictures") if is_counted else report.get("output_tokens"),
        "reasoning": 0,
    }


def known_sum(report: dict, *names: str) -> int | None:
    known = [report[name] for name in names if name in report]
    return sum(known) if known else None


# Google and Hugging Face count nothing when they make vectors.
EMBEDDINGS = {
    "openai_embeddings": embedding(lambda report: report.get("prompt_tokens")),
    "voyage_embeddings": embedding(lambda report: report.get("total_tokens")),
    "cohere_v2_embed": embedding(cohere_embedding),
    "ollama_embed": embedding(lambda report: report.get("prompt_eval_count")),
    "gemini_embed_content": embedding(lambda report: None),
    "huggingface_feature_extraction": embedding(lambda report: None),
}
IMAGES = {name: pictures for name in ("openai_images", "gemini_images", "stability_v1_image", "stability_v2beta_image")}
DIALECTS = {
    "openai": openai,
    "openai_responses": responses,
    "anthropic": anthropic,
    "google": google,
    "cohere": cohere,
    "ollama": ollama,
    "tgi": tgi,
    **EMBEDDINGS,
    **IMAGES,
}


def input_reported(dialect: str, report: dict | None) -> int | None:
    return None if report is None else DIALECTS[dialect](report)["prompt"]


def billable(dialect: str, report: dict | None) -> dict | None:
    """The report with each token in exactly one place; nothing when it is missing or cannot be true."""
    if report is None:
        return None
    counts = DIALECTS[dialect](report)
    if counts["prompt"] is None or counts["completion"] is None:
        return None
    if any(count < 0 or count > REPORTED_MAX for count in counts.values()):
        return None
    if counts["cached"] + counts["written"] > counts["prompt"] or counts["reasoning"] > counts["completion"]:
        return None
    if counts["written_1h"] > counts["written"]:
        return None
    return {
        "input": counts["prompt"] - counts["cached"] - counts["written"],
        "cached_input": counts["cached"],
        "cache_write": counts["written"] - counts["written_1h"],
        "cache_write_1h": counts["written_1h"],
        "output": counts["completion"] - counts["reasoning"],
        "reasoning": counts["reasoning"],
    }
