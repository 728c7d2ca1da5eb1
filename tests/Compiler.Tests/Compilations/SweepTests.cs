using System.Globalization;
using Lorq.Diagnostics;
using Lorq.Reports;
using Lorq.Specs;
using Lorq.Tests.Cli;

namespace Lorq.Tests.Compilations;

public sealed class SweepTests : IDisposable
{
    private readonly Trial trial = new();

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void A_point_is_a_file_of_its_size_and_its_measured_loss(string target)
    {
        CompressionSpec spec = trial.Spec(1) with { Target = target };
        SweepReport report = trial.Sweep(spec, 9, 3);
        Assert.Equal(3, report.Points.Count(p => p.MeasuredLoss is not null));
        Assert.NotNull(report.Points[0].MeasuredLoss);
        Assert.NotNull(report.Points[^1].MeasuredLoss);
        Assert.Equal(0, report.Points[^1].MeasuredLoss);
        SweepPoint middle = report.Points.Skip(1).SkipLast(1).Single(p => p.MeasuredLoss is not null);
        CompilationResult file = trial.Run(spec with { Budget = new SizeBudget.Bytes(middle.Bytes) });
        Assert.InRange(new FileInfo(file.ModelPath).Length, middle.Bytes - 600, middle.Bytes);
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void The_smallest_file_can_be_asked_for(string target)
    {
        CompressionSpec spec = trial.Spec(1) with { Target = target };
        long smallest = trial.Sweep(spec, 5, 0).Points[0].Bytes;
        trial.Run(spec with { Budget = new SizeBudget.Bytes(smallest) });
        Assert.Throws<LorqException>(() => trial.Run(spec with { Budget = new SizeBudget.Bytes(smallest - 1) }));
    }

    /// <summary>However few points are asked for: the picture must not show a uniform plan below what is called the least loss.</summary>
    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void Beside_every_uniform_plan_stands_a_better_one(string target)
    {
        CompressionSpec spec = trial.Spec(1) with
        {
            Target = target,
            Menu = new MenuSpec
            {
                Bits = [3, 4, 8],
                Blocks = [32],
                Ranks = [0],
            },
        };
        SweepReport report = trial.Sweep(spec, 2, 0);
        Assert.NotEmpty(report.Uniform);
        Assert.All(
            report.Uniform.Where(u => u.Bytes <= report.Points[^1].Bytes),
            u => Assert.Contains(report.Points, p => p.Bytes <= u.Bytes && p.PredictedLoss <= u.PredictedLoss * (1 + 1e-9))
        );
    }

    [Fact]
    public void The_csv_says_what_the_report_says()
    {
        SweepReport report = trial.Sweep(trial.Spec(1), 12, 1);
        string[] lines = report.ToCsv().TrimEnd('\n').Split('\n');
        Assert.Equal("plan,bytes,bits_per_weight,predicted_loss,measured_loss,certified_gap", lines[0]);
        Assert.Equal(1 + report.Points.Count + report.Uniform.Count, lines.Length);
        for (int i = 0; i < report.Points.Count; i++)
        {
            string[] cells = lines[1 + i].Split(',');
            Assert.Equal(6, cells.Length);
            Assert.Equal(("best", report.Points[i].Bytes), (cells[0], long.Parse(cells[1], CultureInfo.InvariantCulture)));
            Assert.Equal(report.Points[i].PredictedLoss, double.Parse(cells[3], CultureInfo.InvariantCulture));
            Assert.Equal(report.Points[i].MeasuredLoss, cells[4].Length == 0 ? null : double.Parse(cells[4], CultureInfo.InvariantCulture));
            Assert.Equal(report.Points[i].Gap, double.Parse(cells[5], CultureInfo.InvariantCulture));
        }
        Assert.All(lines[(1 + report.Points.Count)..], l => Assert.Equal(6, l.Split(',').Length));
    }

    [Fact]
    public void Without_data_the_front_is_of_weighted_errors_and_nothing_can_be_verified()
    {
        CompressionSpec spec = trial.Spec(1) with { Calibration = new CalibrationSpec() };
        SweepReport report = trial.Sweep(spec, 8, 0);
        Assert.Equal("weighted-error", report.Metric);
        Assert.All(report.Points, p => Assert.Null(p.MeasuredLoss));
        Assert.Equal("LORQ0655", Assert.Throws<LorqException>(() => trial.Sweep(spec, 8, 1)).Diagnostic.Id);
    }

    [Theory]
    [InlineData("Calibration")]
    [InlineData("Menu")]
    [InlineData("Sensitivity")]
    [InlineData("Front")]
    [InlineData("Verification")]
    public void Cancelling_stops_it_in_any_stage(string stage)
    {
        using var source = new CancellationTokenSource();
        var progress = new Watching(s =>
        {
            if (s == stage)
            {
                source.Cancel();
            }
        });
        string[] before = Trial.State(trial.Folder.Path);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Sweep.Run(new SweepRequest(trial.Model, trial.Spec(1), 20, 2), progress, source.Token)
        );
        Assert.True(source.IsCancellationRequested);
        Assert.Equal(before, Trial.State(trial.Folder.Path));
    }

    [Theory]
    [InlineData("LORQ0902", "--points", "--points", "0")]
    [InlineData("LORQ0902", "--points", "--points", "1001")]
    [InlineData("LORQ0902", "--points", "--points", "many")]
    [InlineData("LORQ0902", "--verify", "--verify", "-1")]
    [InlineData("LORQ0902", "--points has, which is 10", "--verify", "11", "--points", "10")]
    [InlineData("LORQ0655", "--verify", "--verify", "1")]
    [InlineData("LORQ0901", "--budget", "--budget", "25%")]
    [InlineData("LORQ0117", "no/such/folder", "--csv", "no/such/folder/front.csv")]
    [InlineData("LORQ0117", "/proc/front.csv", "--csv", "/proc/front.csv")]
    [InlineData("LORQ0117", "/proc/front.svg", "--svg", "/proc/front.svg")]
    public void Mistakes_are_one_line_before_any_work(string id, string part, params string[] arguments)
    {
        (int code, string output, string error) = LorqProcess.Run(["sweep", trial.Model, .. arguments]);
        Assert.Equal((1, ""), (code, output));
        string line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($": error {id}: ", line, StringComparison.Ordinal);
        Assert.Contains(part, line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_csv_is_written_and_a_folder_in_its_place_is_refused_before_any_work()
    {
        string csv = trial.Folder.File("front.csv");
        (int code, string text, string error) = LorqProcess.Run("sweep", trial.Model, "--points", "5", "--csv", csv, "-q");
        Assert.Equal((0, ""), (code, error));
        Assert.NotEmpty(text);
        Assert.StartsWith("plan,bytes,", File.ReadAllText(csv), StringComparison.Ordinal);
        File.Delete(csv);
        Directory.CreateDirectory(csv);
        string[] before = Trial.State(trial.Folder.Path);
        (code, _, error) = LorqProcess.Run("sweep", trial.Model, "--points", "5", "--csv", csv);
        Assert.Equal(1, code);
        Assert.Contains("LORQ0117", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal(before, Trial.State(trial.Folder.Path));
    }
}
