"""What the partners' operations take and answer."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field


class Output(BaseModel):
    model_config = ConfigDict(frozen=True)


class Quota(Output):
    window: str = Field(examples=["day"])
    seconds: int = Field(examples=[86_400])
    requests: int = Field(examples=[200_000])


class DailyUsage(Output):
    """What one key asked of one route on one day (Asia/Shanghai)."""

    day: dt.date = Field(examples=["2026-06-25"])
    key: str = Field(description="The key's prefix", examples=["k3v9x0a1bz"])
    route: str = Field(examples=["/v1/bulletins"])
    requests: int = Field(description="Counted against the quota", examples=[812])
    unchanged: int = Field(description="Answered 304, not counted", examples=[1_450])
    refused: int = Field(description="Refused with 429, not counted", examples=[0])


class UsageReport(Output):
    partner: str = Field(examples=["博雅云创"])
    plan: str = Field(examples=["partner"])
    quotas: list[Quota] = Field(examples=[[{"window": "day", "seconds": 86_400, "requests": 200_000}]])
    items: list[DailyUsage] = Field(
        description="Newest day first",
        examples=[
            [
                {
                    "day": "2026-06-25",
                    "key": "k3v9x0a1bz",
                    "route": "/v1/bulletins",
                    "requests": 812,
                    "unchanged": 1_450,
                    "refused": 0,
                }
            ]
        ],
    )
