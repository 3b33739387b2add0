class GetImage:
    class Request:
        """Empty."""
