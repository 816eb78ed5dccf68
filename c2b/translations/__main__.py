"""`python -m c2b.translations`: bring the Chinese up to date after a text changed, and name what waits for a translation."""

from c2b.translations import DOMAINS, refresh, waiting


def main() -> None:
    """Refresh every domain and say what is missing."""
    for domain in DOMAINS:
        words = refresh(domain)
        missing = waiting(words)
        print(f"{domain}.po: {len(words)} texts, {len(missing)} without Chinese", *missing, sep="\n  ")  # noqa: T201  a command's answer


if __name__ == "__main__":
    main()
