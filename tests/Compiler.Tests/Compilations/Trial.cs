using Google.Protobuf;
using Lorq.Caching;
using Lorq.Reports;
using Lorq.Specs;
using Lorq.Tests.Calibration;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Compilations;

/// <summary>A tiny model (a table, two matrices) with calibration data, and runs of the whole compiler on it.</summary>
internal sealed class Trial : IDisposable
{
    public Trial()
    {
        Model = Write("small.onnx", Graph());
        Data = Folder.File("data.npz");
        var random = new Random(1);
        long[] ids = [.. Enumerable.Range(0, 24 * 8).Select(_ => (long)random.Next(512))];
        Npy.Zip(Data, ("ids.npy", Npy.Longs(ids, 24, 8)));
    }

    public TemporaryFolder Folder { get; } = new();

    public string Model { get; }

    public string Data { get; }

    public string Output => Folder.File("out");

    public static SmallModel Graph() =>
        new SmallModel(17)
            .Input("ids", DataType.Int64, -1, 8)
            .Weight("table", 512, 64)
            .Weight("up", 64, 256)
            .Weight("down", 256, 64)
            .Node("Gather", "table,ids", "e")
            .Node("MatMul", "e,up", "u")
            .Node("Relu", "u", "r")
            .Node("MatMul", "r,down", "y")
            .Output("y");

    public CompressionSpec Spec(double percent) =>
        new()
        {
            Budget = new SizeBudget.Percent(percent),
            Calibration = new CalibrationSpec { Data = [Data] },
        };

    public string Write(string name, SmallModel model)
    {
        File.WriteAllBytes(Folder.File(name), model.Proto.ToByteArray());
        return Folder.File(name);
    }

    /// <summary>
    /// A whole run. Menus are measured once for all tests' runs with the same model and data, in the cache of this test process: RunCacheTests
    /// proves that this changes no byte.
    /// </summary>
    public CompilationResult Run(CompressionSpec spec, string? output = null, IProgress<StageProgress>? progress = null) =>
        Compilation.Run(new CompilationRequest(Model, spec, output ?? Output) { Cache = CacheFolder.OfUser() }, progress, default);

    /// <summary>A whole run that measures everything itself: for tests of what measuring does.</summary>
    public CompilationResult RunAlone(
        CompressionSpec spec,
        string? output = null,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => Compilation.Run(new CompilationRequest(Model, spec, output ?? Output), progress, cancellationToken);

    /// <summary>A sweep, with the cache of <see cref="Run"/>.</summary>
    public SweepReport Sweep(CompressionSpec spec, int points, int verify) =>
        Lorq.Sweep.Run(new SweepRequest(Model, spec, points, verify) { Cache = CacheFolder.OfUser() }, null, default);

    /// <summary>Every file below a folder with its contents, hidden ones and empty folders too.</summary>
    public static string[] State(string folder) =>
        [
            .. Directory
                .EnumerateFileSystemEntries(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
                .Order(StringComparer.Ordinal)
                .Select(f => f + (File.Exists(f) ? Convert.ToHexString(File.ReadAllBytes(f)) : "/")),
        ];

    public void Dispose() => Folder.Dispose();
}
