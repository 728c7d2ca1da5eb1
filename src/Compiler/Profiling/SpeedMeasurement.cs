using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Reports;

namespace Lorq.Profiling;

/// <summary>Runs a model and one made from it under the profiler, in turns, and tells where the time goes.</summary>
internal static class SpeedMeasurement
{
    private const int WarmUps = 2;
    private const int LeastRuns = 5;
    private const int MostRuns = 41;

    /// <summary>Measures.</summary>
    /// <param name="original">The original model file.</param>
    /// <param name="other">The model made from it.</param>
    /// <param name="batch">What both are run on.</param>
    /// <param name="threads">Threads inside an operator; 0 for one per core.</param>
    /// <param name="stock">True to run nodes of <c>ai.lorq</c> by their function bodies.</param>
    /// <param name="budget">Time after which no further run starts once the least number is done.</param>
    /// <param name="progress">Told how far it is; null for none.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">A model cannot be loaded or run, or LORQ0807: a profile cannot be read.</exception>
    public static SpeedFacts Run(
        string original,
        string other,
        IReadOnlyDictionary<string, DataTensor> batch,
        int threads,
        bool stock,
        TimeSpan budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        using OnnxModel modelA = OnnxModel.Load(original, cancellationToken);
        using OnnxModel modelB = OnnxModel.Load(other, cancellationToken);
        var nodesA = LorqNodes.Of(modelA, stock);
        var nodesB = LorqNodes.Of(modelB, stock);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-profile-");
        try
        {
            using var a = new ProfiledModel(original, threads, folder.CreateSubdirectory("a").FullName, nodesA.Configure);
            using var b = new ProfiledModel(other, threads, folder.CreateSubdirectory("b").FullName, nodesB.Configure);
            int runs = RunInTurns(a, b, batch, budget, progress, cancellationToken);
            var join = new ProfileJoin(
                modelA,
                modelB,
                new ProfiledRuns(a.Graph(), a.End().Skip(WarmUps)),
                new ProfiledRuns(b.Graph(), b.End().Skip(WarmUps))
            );
            return new SpeedFacts
            {
                Run = join.Run,
                Groups = join.Groups,
                Other = join.Other,
                Between = join.Between,
                Operators = join.Operators,
                Runs = runs,
                WarmUps = WarmUps,
                Batch = string.Join(", ", batch.Select(i => $"{i.Key} {string.Join('×', i.Value.Shape)}")),
                Threads = threads,
                Processor = Processor(),
                LorqNodes = nodesB.Description ?? nodesA.Description,
            };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Each goes first every other time, so that drift of the machine hits both.
    private static int RunInTurns(
        ProfiledModel a,
        ProfiledModel b,
        IReadOnlyDictionary<string, DataTensor> batch,
        TimeSpan budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var clock = Stopwatch.StartNew();
        int runs = 0;
        for (; runs < MostRuns + WarmUps && (runs < LeastRuns + WarmUps || clock.Elapsed < budget); runs++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(new("profile", runs, MostRuns + WarmUps, null));
            (runs % 2 == 0 ? a : b).Run(batch, cancellationToken);
            (runs % 2 == 0 ? b : a).Run(batch, cancellationToken);
        }
        return runs - WarmUps;
    }

    /// <summary>Architecture, cores and the widest vectors that the processor offers.</summary>
    public static string Processor()
    {
        string vectors =
            Avx512F.IsSupported ? "AVX-512"
            : Avx2.IsSupported ? "AVX2"
            : Dp.IsSupported ? "AdvSimd with dot products"
            : AdvSimd.IsSupported ? "AdvSimd"
            : "no wide vectors";
        return $"{RuntimeInformation.ProcessArchitecture}, {Figures.Count(Environment.ProcessorCount, "core")}, {vectors}";
    }
}
