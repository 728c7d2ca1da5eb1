using Lorq.Caching;
using Lorq.Models;
using Lorq.Reports;
using Lorq.Specs;
using Lorq.Tests.Calibration;
using Lorq.Tests.Compilations;

namespace Lorq.Tests.Caching;

/// <summary>Whole runs on a small model with a cache: the same files as without, sooner, whatever happened to the cache.</summary>
public sealed class RunCacheTests : IDisposable
{
    private readonly Trial trial = new();

    private string Root => trial.Folder.File("cache");

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData("ort", true)]
    [InlineData("onnx", true)]
    [InlineData("ort", false)]
    public void A_warm_run_measures_nothing_and_writes_the_same_files(string target, bool hasData)
    {
        CompressionSpec spec = trial.Spec(20) with { Target = target };
        spec = hasData ? spec : spec with { Calibration = new CalibrationSpec() };
        string[] plain = Files(Run(spec, null, "plain"));
        Assert.Equal(plain, Files(Run(spec, Cache(), "cold")));
        string[] before = Contents();
        // Were one read, it would be found to be damaged and be removed.
        string[] moments = Directory.GetFiles(Root, "moment-*", SearchOption.AllDirectories);
        Assert.Equal(hasData, moments.Length > 0);
        Array.ForEach(moments, m => File.WriteAllBytes(m, new byte[8]));
        var progress = new Batches();
        CompilationResult warm = Run(spec, Cache(), "warm", progress);
        Assert.Equal(plain, Files(warm));
        Assert.DoesNotContain(warm.Report.Warnings, w => w.Contains("cache", StringComparison.Ordinal));
        Assert.Equal(0, progress.Count);
        Assert.All(moments, m => Assert.Equal(8, new FileInfo(m).Length));
        Assert.Equal(before.Length, Contents().Length);
    }

    [Fact]
    public void A_run_that_was_made_before_takes_its_files_and_tells_of_its_own_place()
    {
        CompilationResult cold = Run(trial.Spec(20), Cache(), "cold");
        string moved = trial.Folder.File("moved.npz");
        File.Copy(trial.Data, moved);
        CompressionSpec spec = trial.Spec(20) with { Calibration = new CalibrationSpec { Data = [moved] } };
        var stages = new List<string>();
        var request = new CompilationRequest(trial.Model, spec, trial.Folder.File("again"), "lorq again") { Cache = Cache() };
        CompilationResult again = RunOrTake(request, new Watching(stages.Add));
        Assert.Equal(["Model", "Calibration", "Reports"], stages);
        Assert.Equal(Files(cold), Files(again));
        Assert.Equal(JsonReport.Write(again.Report), File.ReadAllText(Path.ChangeExtension(again.ReportPath, ".json")));
        Assert.Equal((false, true), (cold.Report.IsEarlier, again.Report.IsEarlier));
        Assert.Equal(cold.Report.Stages, again.Report.Stages);
        Assert.Equal([moved], again.Report.Calibration.Sources);
        Assert.Equal("lorq again", again.Report.Reproduce.CommandLine);
        Assert.Equal(again.ModelPath, again.Report.Model.WrittenPath);
        string text = File.ReadAllText(again.ReportPath) + File.ReadAllText(Path.ChangeExtension(again.ReportPath, ".html"));
        Assert.Contains(MarkdownReport.Earlier, text, StringComparison.Ordinal);
        Assert.DoesNotContain(trial.Data, text, StringComparison.Ordinal);
        Assert.DoesNotContain(trial.Folder.File("cold"), text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spec")]
    [InlineData("name")]
    [InlineData("speed")]
    [InlineData("damaged")]
    public void Files_of_another_run_are_not_taken(string what)
    {
        Run(trial.Spec(20), Cache(), "cold");
        var request = new CompilationRequest(trial.Model, trial.Spec(20), trial.Folder.File("again")) { Cache = Cache() };
        switch (what)
        {
            case "spec":
                request = request with { Spec = trial.Spec(20) with { Threads = 1 } };
                break;
            case "name":
                request = request with { ModelPath = trial.Folder.File("other.onnx") };
                File.Copy(trial.Model, request.ModelPath);
                break;
            case "speed":
                request = request with { MeasuresSpeed = true };
                break;
            default:
                File.WriteAllBytes(Assert.Single(Results()), new byte[100]);
                break;
        }
        CompilationResult again = RunOrTake(request);
        Assert.False(again.Report.IsEarlier);
        Assert.Equal(what == "damaged", again.Report.Warnings.Any(w => w.Contains("damaged", StringComparison.Ordinal)));
        Assert.Equal(what == "speed", again.Report.Speed is not null);
        // What replaces it is taken the next time, without the warning.
        CompilationResult third = RunOrTake(request with { Cache = Cache() });
        Assert.True(third.Report.IsEarlier);
        Assert.DoesNotContain(third.Report.Warnings, w => w.Contains("damaged", StringComparison.Ordinal));
    }

    [Fact]
    public void What_belongs_to_samples_is_the_same_in_a_warm_run()
    {
        CompilationResult cold = Run(trial.Spec(20), Cache(), "cold");
        CompilationResult warm = Run(trial.Spec(20), Cache(), "warm");
        Assert.Equal(cold.Report.Calibration with { Sources = [] }, warm.Report.Calibration with { Sources = [] });
        Assert.True(warm.Report.Calibration.Rows > 0);
        Assert.Equal(cold.Report.Divergence!.Loss, warm.Report.Divergence!.Loss);
        Assert.Equal(cold.Report.Sites.Select(s => s.Notes.Count), warm.Report.Sites.Select(s => s.Notes.Count));
    }

    [Fact]
    public void Another_budget_finds_the_menus_and_writes_what_it_would_without_a_cache()
    {
        Run(trial.Spec(20), Cache(), "first");
        byte[] menu = File.ReadAllBytes(Table("menu"));
        var progress = new Batches();
        string[] second = Files(Run(trial.Spec(30), Cache(), "second", progress));
        Assert.Equal(0, progress.Count);
        Assert.Equal(menu, File.ReadAllBytes(Table("menu")));
        Assert.Equal(Files(Run(trial.Spec(30), null, "alone")), second);
    }

    [Fact]
    public void A_sweep_after_a_run_finds_the_menus()
    {
        Run(trial.Spec(20), Cache(), "first");
        byte[] menu = File.ReadAllBytes(Table("menu"));
        var progress = new Batches();
        var request = new SweepRequest(trial.Model, trial.Spec(20), 8, 0);
        SweepReport warm = Sweep.Run(request with { Cache = Cache() }, progress, default);
        Assert.Equal(0, progress.Count);
        Assert.Equal(menu, File.ReadAllBytes(Table("menu")));
        Assert.Equal(Sweep.Run(request, null, default).ToCsv(), warm.ToCsv());
    }

    /// <summary>A changed ingredient opens another profile; what only decides which results are asked for does not.</summary>
    [Theory]
    [InlineData("weights", 2)]
    [InlineData("data", 2)]
    [InlineData("order of samples", 2)]
    [InlineData("held out", 2)]
    [InlineData("batch size", 2)]
    [InlineData("samples", 2)]
    [InlineData("no data", 2)]
    [InlineData("budget", 1)]
    [InlineData("bits", 1)]
    [InlineData("target", 1)]
    [InlineData("threads", 1)]
    [InlineData("place of the model", 1)]
    [InlineData("place of the data", 1)]
    public void A_profile_belongs_to_model_and_samples(string changed, int profiles)
    {
        // A menu of a few candidates: no profile depends on it, and most cases measure twice.
        CompressionSpec spec = trial.Spec(40) with
        {
            Menu = new MenuSpec
            {
                Bits = [8],
                Blocks = [64],
                Ranks = [0],
                Methods = ["rtn"],
            },
        };
        Run(spec, Cache(), "first");
        CalibrationSpec calibration = spec.Calibration;
        string model = trial.Model;
        switch (changed)
        {
            case "weights":
                byte[] bytes = File.ReadAllBytes(model);
                bytes[bytes.Length / 2] ^= 1;
                File.WriteAllBytes(model, bytes);
                break;
            case "data":
                calibration = calibration with { Data = [Other(1, 24)] };
                break;
            case "order of samples":
                calibration = calibration with { Data = [Other(0, 24, reversed: true)] };
                break;
            case "held out":
                calibration = calibration with { HeldOut = 0.5 };
                break;
            case "batch size":
                calibration = calibration with { BatchSize = 3 };
                break;
            case "samples":
                calibration = calibration with { MaxSamples = 12 };
                break;
            case "no data":
                calibration = new CalibrationSpec();
                break;
            case "budget":
                spec = spec with { Budget = new SizeBudget.Percent(30) };
                break;
            case "bits":
                spec = spec with { Menu = spec.Menu with { Bits = [4] } };
                break;
            case "target":
                spec = spec with { Target = "onnx" };
                break;
            case "threads":
                spec = spec with { Threads = 1 };
                break;
            case "place of the model":
                File.Copy(model, model = trial.Folder.File("copy.onnx"));
                break;
            default:
                File.Copy(trial.Data, trial.Folder.File("copy.npz"));
                calibration = calibration with { Data = [trial.Folder.File("copy.npz")] };
                break;
        }
        CacheFolder cache = Cache();
        Compilation.Run(
            new CompilationRequest(model, spec with { Calibration = calibration }, trial.Folder.File("second")) { Cache = cache },
            null,
            default
        );
        Assert.Equal(profiles, cache.List().Count);
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("cut")]
    [InlineData("emptied")]
    public void Damage_is_told_and_made_good(string damage)
    {
        string[] plain = Files(Run(trial.Spec(20), Cache(), "cold"));
        foreach (string file in Directory.GetFiles(Root, "*.entry", SearchOption.AllDirectories))
        {
            byte[] bytes = File.ReadAllBytes(file);
            switch (damage)
            {
                case "changed":
                    bytes[bytes.Length / 2] ^= 0x10;
                    break;
                case "cut":
                    bytes = bytes[..(bytes.Length - 1)];
                    break;
                default:
                    bytes = [];
                    break;
            }
            File.WriteAllBytes(file, bytes);
        }
        CompilationResult again = Run(trial.Spec(20), Cache(), "again");
        Assert.Equal(plain, Files(again));
        Assert.Contains(again.Report.Warnings, w => w.Contains("damaged", StringComparison.Ordinal));
        Assert.Empty(Cache().Verify(default).Removed);
        Assert.Empty(Run(trial.Spec(20), Cache(), "warm").Report.Warnings);
    }

    /// <summary>A moment that is there in name only is found out when a new candidate needs it, and collected again.</summary>
    [Fact]
    public void A_damaged_moment_is_collected_again_when_it_is_needed()
    {
        Run(trial.Spec(20), Cache(), "first");
        foreach (string file in Directory.GetFiles(Root, "moment-*", SearchOption.AllDirectories))
        {
            File.WriteAllBytes(file, new byte[100]);
        }
        CompressionSpec other = trial.Spec(20) with { Menu = new MenuSpec { Blocks = [16] } };
        string[] plain = Files(Run(other, null, "plain"));
        Assert.Equal(plain, Files(Run(other, Cache(), "again")));
        Assert.Empty(Cache().Verify(default).Removed);
    }

    [Theory]
    [InlineData("Calibration")]
    [InlineData("Menu")]
    [InlineData("Plan")]
    [InlineData("Refinement")]
    [InlineData("Checks")]
    public void A_cancelled_run_leaves_what_the_next_one_can_use(string stage)
    {
        string[] plain = Files(Run(trial.Spec(20), null, "plain"));
        using var source = new CancellationTokenSource();
        var progress = new Batches { At = stage, Source = source };
        Assert.ThrowsAny<OperationCanceledException>(() => Run(trial.Spec(20), Cache(), "stopped", progress, source.Token));
        Assert.Empty(Cache().Verify(default).Removed);
        var next = new Batches();
        Assert.Equal(plain, Files(Run(trial.Spec(20), Cache(), "next", next)));
        // All but a stopped calibration itself is not done twice.
        Assert.Equal(stage == "Calibration", next.Count > 0);
    }

    [Fact]
    public async Task Two_runs_at_once_share_a_cache()
    {
        string[] plain = Files(Run(trial.Spec(20), null, "plain"));
        Task<string[]>[] runs = [.. Enumerable.Range(0, 3).Select(i => Task.Run(() => Files(Run(trial.Spec(20), Cache(), $"run{i}"))))];
        Assert.All(await Task.WhenAll(runs), files => Assert.Equal(plain, files));
        Assert.Empty(Cache().Verify(default).Removed);
        Assert.Empty(Directory.GetFiles(Root, AtomicFile.TemporaryPattern, SearchOption.AllDirectories));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_to_is_a_warning_and_read_all_the_same()
    {
        static Stream Refuse(string path, long size) => throw new UnauthorizedAccessException($"Access to '{path}' is denied.");
        var locked = new CacheFolder(Root, CacheFolder.DefaultCap, TimeProvider.System, Refuse);
        string[] plain = Files(Run(trial.Spec(20), null, "plain"));
        CompilationResult first = Run(trial.Spec(20), locked, "first");
        Assert.Equal(plain, Files(first));
        Assert.Contains(first.Report.Warnings, w => w.Contains("cannot be written", StringComparison.Ordinal));

        Run(trial.Spec(20), Cache(), "filled");
        var progress = new Batches();
        Assert.Equal(plain, Files(Run(trial.Spec(20), locked, "second", progress)));
        Assert.Equal(0, progress.Count);
    }

    [Fact]
    public void The_cap_drops_other_profiles_but_not_the_one_in_use()
    {
        Run(trial.Spec(20), Cache(), "first");
        string first = Assert.Single(Cache().List()).Id;
        CompressionSpec other = trial.Spec(20) with { Calibration = new CalibrationSpec() };
        Run(other, new CacheFolder(Root, cap: 1), "second");
        Assert.NotEqual(first, Assert.Single(Cache().List()).Id);
    }

    private CacheFolder Cache() => new(Root);

    private CompilationResult Run(
        CompressionSpec spec,
        CacheFolder? cache,
        string output,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        // Whole results would hide everything they are made of.
        Array.ForEach(Results(), File.Delete);
        return RunOrTake(
            new CompilationRequest(trial.Model, spec, trial.Folder.File(output)) { Cache = cache },
            progress,
            cancellationToken
        );
    }

    private static CompilationResult RunOrTake(
        CompilationRequest request,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => Compilation.Run(request, progress, cancellationToken);

    private string[] Results() => Directory.Exists(Root) ? Directory.GetFiles(Root, "result-*", SearchOption.AllDirectories) : [];

    private static string[] Files(CompilationResult result) =>
        [Convert.ToHexString(File.ReadAllBytes(result.ModelPath)), File.ReadAllText(result.ManifestPath)];

    private string[] Contents() => Directory.GetFiles(Root, "*.entry", SearchOption.AllDirectories);

    private string Table(string name) =>
        Directory
            .GetFiles(Root, new CacheKey(CacheTable.Kind, new ContentHash().Add(name).Finish()).FileName, SearchOption.AllDirectories)
            .Single();

    private string Other(int seed, int samples, bool reversed = false)
    {
        var random = new Random(1 + seed);
        long[] ids = [.. Enumerable.Range(0, samples * 8).Select(_ => (long)random.Next(512))];
        return Npy.Zip(trial.Folder.File("other.npz"), ("ids.npy", Npy.Longs(reversed ? [.. ids.Reverse()] : ids, samples, 8)));
    }

    /// <summary>Counts the batches that calibration ran, and cancels at the first report of a stage that has begun its work.</summary>
    private sealed class Batches : IProgress<StageProgress>
    {
        private int count;

        public int Count => count;

        public string? At { get; init; }

        public CancellationTokenSource? Source { get; init; }

        public void Report(StageProgress value)
        {
            if (value is { Stage: "Calibration", Total: > 0 })
            {
                Interlocked.Increment(ref count);
            }
            if (value.Stage == At && (value.Total > 0 || At == "Checks"))
            {
                Source!.Cancel();
            }
        }
    }
}
