using System.Text.Json;
using Lorq.Checks;
using Lorq.Reports;
using Snapshooter.Xunit;
using Spectre.Console;

namespace Lorq.Tests.Reports;

public class ReportTests
{
    [Fact]
    public void MarkdownShowsEverything()
    {
        string text = MarkdownReport.Write(SampleReport.Full);
        text.MatchSnapshot();
    }

    [Fact]
    public void MarkdownOfADataFreeRunSaysSo()
    {
        string text = MarkdownReport.Write(SampleReport.DataFree);
        Assert.Contains("Data-free", text);
        Assert.DoesNotContain("held out", text);
        Assert.Contains("predicted, not measured", text);
    }

    [Fact]
    public void EveryMarkdownTableRowHasAsManyCellsAsItsHeading()
    {
        int cells = 0;
        foreach (string line in MarkdownReport.Write(SampleReport.Full).Split('\n'))
        {
            if (!line.StartsWith('|'))
            {
                cells = 0;
                continue;
            }
            int count = line.Replace("\\|", "").Count(c => c == '|');
            Assert.True(cells == 0 || cells == count, line);
            cells = count;
        }
    }

    [Fact]
    public void ALongNetworkIsDrawnInRuns()
    {
        SiteRow site = SampleReport.Full.Sites[1];
        CompressionReport report = SampleReport.Full with
        {
            Sites = [.. Enumerable.Range(0, 1000).Select(i => site with { Name = $"s{i}" })],
        };
        string chart = MarkdownReport.Write(report).Split("```")[1];
        Assert.Equal(112, chart.Count(c => c == '\n') - 1);
        Assert.Contains("every line stands for 9 neighbouring sites", MarkdownReport.Write(report));
    }

    [Fact]
    public void TheConsoleSummaryFits80ColumnsAndNeedsNoColour()
    {
        string text = Render(c => ConsoleSummary.Write(c, SampleReport.Full));
        Assert.All(text.Split('\n'), l => Assert.True(l.Length <= 80, l));
        Assert.DoesNotContain('\u001b', text);
        text.MatchSnapshot();
    }

    [Fact]
    public void TheConsoleSummaryOfADataFreeRunSaysSo() =>
        Assert.Contains("data-free methods only", Render(c => ConsoleSummary.Write(c, SampleReport.DataFree)));

    [Fact]
    public void TheComparisonFits80Columns()
    {
        var report = new ComparisonReport(
            new("models/encoder.onnx", 90_360_000, 0.1234, 0.01),
            new("out/encoder.lorq.onnx", 14_655_432, 0.2, 0.0095),
            0.1622,
            1.62,
            0.95,
            31,
            3,
            2,
            SampleReport.Full.Divergence!,
            "data/dev.npz",
            "attention_mask",
            "0.1.0",
            "1.31.1"
        );
        string text = Render(c => ComparisonSummary.Write(c, report));
        Assert.All(text.Split('\n'), l => Assert.True(l.Length <= 80, l));
        text.MatchSnapshot();
        JsonElement json = JsonDocument.Parse(JsonReport.Write(report)).RootElement;
        Assert.Equal(14_655_432, json.GetProperty("b").GetProperty("bytes").GetInt64());
        Assert.Equal(0.95, json.GetProperty("runTimeRatio").GetDouble());
        ComparisonReport profiled = report with
        {
            Speed = SampleReport.Full.Speed,
            LorqNodes = "by Lorq's operators (Avx2, int8 activations)",
        };
        string times = Render(c => ComparisonSummary.Write(c, profiled));
        Assert.All(times.Split('\n'), l => Assert.True(l.Length <= 80, l));
        Assert.Contains("12.50 → 7.50 ms", times);
        Assert.Contains("mean of the middle half of 31 runs", times.ReplaceLineEndings(" "));
        Assert.Equal(
            0.0075,
            JsonDocument
                .Parse(JsonReport.Write(profiled))
                .RootElement.GetProperty("speed")
                .GetProperty("run")
                .GetProperty("after")
                .GetDouble()
        );
    }

    [Fact]
    public void JsonComesBackAsItWas()
    {
        CompressionReport back = JsonReport.Read(JsonReport.Write(SampleReport.Full));
        Assert.Equivalent(SampleReport.Full, back, strict: true);
        Assert.Equal(JsonReport.Write(SampleReport.Full), JsonReport.Write(back));
    }

    [Fact]
    public void JsonHoldsNumbersThatAreNotFinite()
    {
        OutputDivergence broken = SampleReport.Full.Divergence!.Outputs[0] with { RelativeMse = double.PositiveInfinity };
        CompressionReport report = SampleReport.Full with { Divergence = new([broken], 1, []) };
        CompressionReport back = JsonReport.Read(JsonReport.Write(report));
        Assert.Equal(double.PositiveInfinity, back.Divergence!.Loss);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(14_660_000, "14.66 MB")]
    [InlineData(3_100_000_000, "3.10 GB")]
    public void BytesAreWrittenInDecimalUnits(long bytes, string expected) => Assert.Equal(expected, Figures.Bytes(bytes));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.00250449, "0.00250")]
    [InlineData(1.2345, "1.23")]
    [InlineData(123.45, "123")]
    [InlineData(1.2345e-7, "1.23e-7")]
    [InlineData(double.PositiveInfinity, "infinite")]
    public void LossesHaveThreeDigits(double value, string expected) => Assert.Equal(expected, Figures.Loss(value));

    [Theory]
    [InlineData("short", 10, "short")]
    [InlineData("encoder.layer.0.attention.weight", 12, "enco….weight")]
    public void NamesAreCutInTheMiddle(string text, int width, string expected)
    {
        string cut = Figures.Shorten(text, width);
        Assert.Equal(expected, cut);
        Assert.True(cut.Length <= width);
    }

    private static string Render(Action<IAnsiConsole> write)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(writer),
            }
        );
        console.Profile.Width = 80;
        console.Profile.Capabilities.Unicode = true;
        write(console);
        return string.Join('\n', writer.ToString().ReplaceLineEndings("\n").Split('\n').Select(l => l.TrimEnd()));
    }
}
