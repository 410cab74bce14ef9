"""Questions to the Hugging Face hub, and its errors as messages that say what to do."""

from typing import Any, Literal

from flexmore.errors import FlexmoreError

TIMEOUT = 60.0
"""Seconds."""


def ask(path: str, repo_type: Literal["dataset", "model"], revision: str | None, endpoint: str | None = None) -> Any:
    """Return what the hub says of a repository, of a model its files too, after asking for leave to read it.

    Raises:
        FlexmoreError: it cannot be read; the message says what is missing and what to do.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint)
    try:
        info = api.repo_info(
            path, repo_type=repo_type, revision=revision, timeout=TIMEOUT, files_metadata=repo_type == "model"
        )
        api.auth_check(path, repo_type=repo_type)
    except Exception as error:
        raise explain(error, page_of(path, repo_type), revision) from None
    return info


def page_of(path: str, repo_type: Literal["dataset", "model"]) -> str:
    """Return the address of a repository's page."""
    return f"https://huggingface.co/{'datasets/' if repo_type == 'dataset' else ''}{path}"


def explain(error: Exception, page: str, revision: str | None) -> FlexmoreError:
    """Return an error of the hub's client as a message with the next step."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    match error:
        case FlexmoreError():
            return error
        case GatedRepoError():
            said = f"its licence has to be accepted: open {page}, accept it, then `hf auth login` or set HF_TOKEN"
        case RevisionNotFoundError():
            said = f"revision {revision} is not there any more; see {page}"
        case RemoteEntryNotFoundError():
            said = f"the file is not there (404), though the hub lists it at {revision}; see {page}, or run again later"
        case RepositoryNotFoundError():
            said = f"not there, or not readable with this token; see {page}, then `hf auth login` or set HF_TOKEN"
        case OfflineModeIsEnabled():
            said = "HF_HUB_OFFLINE is set; unset it here, where the network is needed"
        case HfHubHTTPError():
            said = _refusal(error.response.status_code, page)
        case _:  # whatever the client's own HTTP library raises
            said = f"the hub did not answer ({type(error).__name__}: {error}); run this where there is a network"
    return FlexmoreError(said)


def _refusal(status: int, page: str) -> str:
    match status:
        case 401:
            return "the hub does not know this token (401); `hf auth login` or set HF_TOKEN again"
        case 403:
            return f"not readable with this token (403); ask for access at {page}, or let the token read gated ones"
        case 429:
            return "too many requests (429); wait some minutes and run again; `hf auth login` raises the limit"
        case _:
            return f"the hub answers with an error ({status}); run again later, what has come is kept"
