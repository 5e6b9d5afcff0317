"""Patches for answers of moto's server that SDKs misread."""

import json
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from moto.core.responses import BaseResponse
from moto.s3.responses import S3Response

from local.moto_patches.patch import Patch

EVENTBRIDGE_ON = "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>"


def show_eventbridge_notifications(answer: Callable[[S3Response], Any]) -> Callable[..., Any]:
    """Moto keeps a bucket's EventBridge notifications, and leaves them out when it is asked for its notifications."""

    def get_bucket_notification(self: S3Response) -> Any:
        kept = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if kept is None or kept.event_bridge is None or kept.topic or kept.queue or kept.cloud_function:
            return answer(self)
        # Its serializer drops empty elements.
        return 200, {"Content-Type": "application/xml"}, EVENTBRIDGE_ON

    return get_bucket_notification


def refuse_what_is_not_implemented(call: Callable[[BaseResponse], Any]) -> Callable[..., Any]:
    """Moto's server answers 500 to an action that it lacks, which SDKs take for a transient error and retry."""

    def call_action(self: BaseResponse) -> Any:
        try:
            return call(self)
        except NotImplementedError as error:
            if "json" in self.headers.get("Content-Type", ""):
                return 501, {}, json.dumps({"__type": "NotImplemented", "message": str(error)})
            content = f"<Code>NotImplemented</Code><Message>{escape(str(error))}</Message>"
            return 501, {}, f"<ErrorResponse><Error>{content}</Error></ErrorResponse>"

    return call_action


PATCHES = (
    Patch(S3Response, "get_bucket_notification", "82884034c165", show_eventbridge_notifications),
    Patch(BaseResponse, "call_action", "26076963fd17", refuse_what_is_not_implemented),
)
