using Lorq.Checks;
using Lorq.Reports;

namespace Lorq.Tests.Reports;

/// <summary>Reports that are hard on a page.</summary>
internal static class HtmlSamples
{
    /// <summary>Names that try to become markup, script, style or layout.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "<script>window.hacked=1</script>",
        "\"><img src=x onerror=\"window.hacked=1\">",
        "' onmouseover='window.hacked=1",
        "]]></style><svg onload=window.hacked=1>",
        "</title></script><iframe src=\"https://example.com\">",
        "&lt;b&gt; &amp; &#60;",
        "javascript:window.hacked=1",
        "\u202Etxet.thgiew\u2066",
        "משקל.שכבה.0 (وزن)",
        "line\r\nbreak\ttab\u0000nul\u001b[31m",
        "half \uD83D surrogate, whole 🙂, none \uFFFE",
        new('x', 300),
        string.Concat(Enumerable.Repeat("layer/with a space/", 16)),
    ];

    /// <summary>Every text of the report is one of <see cref="Names"/>.</summary>
    public static CompressionReport Hostile { get; } = Poison(SampleReport.Full);

    /// <summary>A network of many sites.</summary>
    public static CompressionReport Large(int sites)
    {
        SiteRow[] rows = [.. SampleReport.Full.Sites];
        SpectrumFacts spectrum = SampleReport.Full.Spectra[0];
        return SampleReport.Full with
        {
            Sites = [.. Enumerable.Range(0, sites).Select(i => rows[i % rows.Length] with { Name = $"encoder.layer.{i}.weight" })],
            Spectra =
            [
                .. Enumerable
                    .Range(0, sites)
                    .Select(i => spectrum with { Site = $"encoder.layer.{i}.weight", ChosenRank = i % 3 == 0 ? null : 16 }),
            ],
            Speed = SampleReport.Full.Speed! with
            {
                Groups =
                [
                    .. Enumerable
                        .Range(0, sites)
                        .Select(i => SampleReport.Full.Speed!.Groups[0] with { Sites = [$"encoder.layer.{i}.weight"] }),
                ],
            },
            LeftAlone =
            [
                .. Enumerable
                    .Range(0, sites)
                    .Select(i => SampleReport.Full.LeftAlone[0] with { Name = $"encoder.layer.{i}.bias", Bytes = i }),
            ],
        };
    }

    private static CompressionReport Poison(CompressionReport r)
    {
        int next = 0;
        string Bad() => Names[next++ % Names.Count];
        SiteRow site = r.Sites[1];
        LeftAloneRow left = r.LeftAlone[0];
        OutputDivergence output = r.Divergence!.Outputs[0];
        return r with
        {
            Model = new(Names[0], Bad(), 90_360_000, Bad(), 14_655_432, []),
            Budget = new(Bad(), 14_660_000),
            Target = Bad(),
            Sites =
            [
                .. Names.Select(n =>
                    site with
                    {
                        Name = n,
                        Kind = Bad(),
                        Encoding = Bad(),
                        Method = Bad(),
                        Decomposition = Bad(),
                        Notes = [Bad()],
                    }
                ),
            ],
            LeftAlone = [.. Names.Select(n => left with { Name = n, Node = Bad(), Reason = Bad() })],
            Loss = new(Bad(), 0.002381, 0.002504),
            BestUniform = new(Bad(), 14_658_000, 0.0108),
            Front = r.Front! with { Uniform = [.. r.Front!.Uniform.Select(u => u with { Name = Bad() })] },
            Spectra = [.. Names.Select(n => r.Spectra[0] with { Site = n })],
            Divergence = r.Divergence with { Outputs = [.. Names.Select(n => output with { Name = n })] },
            Speed = r.Speed! with
            {
                Groups = [.. Names.Select(n => r.Speed!.Groups[0] with { Sites = [n], Kind = Bad(), NodesAfter = Bad() })],
                Operators = [.. Names.Select(n => r.Speed!.Operators[0] with { Operator = n })],
                Batch = Bad(),
                Processor = Bad(),
                LorqNodes = Bad(),
            },
            Calibration = new([.. Names], 192, 64, 64, 9_876, Bad()),
            Stages = [.. Names.Select(n => new StageTime(n, 1, 1_000_000))],
            Versions = new(Bad(), Bad(), 17, 21),
            Reproduce = new(string.Join(' ', Names), string.Join('\n', Names)),
            Warnings = [.. Names],
        };
    }
}
