using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>A table of a lookup: runs of rows on grids of their own, and the low-rank pair that is added to all rows.</summary>
/// <param name="K">Weights per row.</param>
/// <param name="N">Rows.</param>
/// <param name="Runs">The runs in order; their own pairs are not read.</param>
/// <param name="Starts">First row of every run.</param>
/// <param name="Rank">Columns of L1 and rows of L2; 0 without a pair.</param>
/// <param name="L1">K×Rank, row by row.</param>
/// <param name="L2">Rank×N, row by row.</param>
internal sealed record StoredTable(int K, int N, WeightTensors[] Runs, int[] Starts, int Rank, FloatArray L1, FloatArray L2)
{
    private const int NumbersPerRun = 4;

    private enum Levels
    {
        Centred,
        ZeroPoints,
        Codebook,
    }

    /// <summary>Reads a node's table.</summary>
    /// <exception cref="NodeException">What the specification refuses at load.</exception>
    public static StoredTable Read(NodeReader node)
    {
        if (node.Attributes("runs\0"u8) is not { } numbers)
        {
            WeightTensors whole = StoredWeight.Read(node);
            return new StoredTable(whole.K, whole.N, [whole], [0], whole.Rank, whole.L1, whole.L2);
        }
        int k = StoredWeight.Length(node);
        Run[] runs = RunsOf(node, k, numbers);
        long n = runs.Sum(r => r.Rows);
        ConstantInput codes = node.Required(1, "codes").Typed(OrtElementType.UInt8).Shaped(runs.Sum(r => r.CodeBytes(k)));
        (ConstantInput scales, ConstantInput? scaleFactors) = StoredWeight.Scales(node, n, runs.Sum(r => r.Scales(k)));
        ConstantInput? zeros = Optional(3, "zero_points", OrtElementType.UInt8, r => r.ZeroPointBytes(k));
        ConstantInput? codebook = Optional(8, "codebook", OrtElementType.Float, r => r.CodebookLength);
        (FloatArray l1, FloatArray l2, int rank) = StoredWeight.Factors(node, k, n);
        var tensors = new WeightTensors[runs.Length];
        int[] starts = new int[runs.Length];
        (long row, long code, long scale, long zero, long level) = (0, 0, 0, 0, 0);
        for (int i = 0; i < runs.Length; i++)
        {
            Run run = runs[i];
            starts[i] = (int)row;
            tensors[i] = run.Grid.Tensors(
                k,
                (int)run.Rows,
                codes.Part(code, run.CodeBytes(k)),
                scales.Part(scale, run.Scales(k)),
                scaleFactors?.Part(row, run.Rows),
                run.Levels == Levels.ZeroPoints ? zeros?.Part(zero, run.ZeroPointBytes(k)) : null,
                run.Levels == Levels.Codebook ? codebook?.Part(level, run.CodebookLength) : null
            );
            row += run.Rows;
            code += run.CodeBytes(k);
            scale += run.Scales(k);
            zero += run.ZeroPointBytes(k);
            level += run.CodebookLength;
        }
        return new StoredTable(k, (int)n, tensors, starts, rank, l1, l2);

        // There exactly where a run has some of it.
        ConstantInput? Optional(int slot, string name, OrtElementType type, Func<Run, long> length)
        {
            long expected = runs.Sum(length);
            ConstantInput? input = node.Constant(slot, name)?.Typed(type).Shaped(expected);
            return input is null == (expected == 0)
                ? input
                : throw node.Fault($"'{name}' and the runs that have {(expected == 0 ? "none" : "some")} do not go together.");
        }
    }

    private static Run[] RunsOf(NodeReader node, int k, long[] numbers)
    {
        if (numbers.Length == 0 || numbers.Length % NumbersPerRun != 0)
        {
            throw node.Fault($"attribute 'runs' has {numbers.Length} numbers; it must have {NumbersPerRun} per run.");
        }
        if (node.Attribute("bits\0"u8, "bits", 0) != 0 || node.Attribute("block_size\0"u8, "block_size", 0) != 0)
        {
            throw node.Fault("attribute 'runs' excludes 'bits' and 'block_size'.");
        }
        var runs = new Run[numbers.Length / NumbersPerRun];
        (long n, long codes, long scales) = (0, 0, 0);
        for (int i = 0; i < runs.Length; i++)
        {
            (long rows, int bits, int block, long levels) = (
                numbers[i * NumbersPerRun],
                Narrow(numbers[i * NumbersPerRun + 1]),
                Narrow(numbers[i * NumbersPerRun + 2]),
                numbers[i * NumbersPerRun + 3]
            );
            if (rows is < 1 or > int.MaxValue)
            {
                throw node.Fault($"run {i} has {rows} rows; it must have at least 1, and no more than an int counts.");
            }
            if (levels is < (long)Levels.Centred or > (long)Levels.Codebook)
            {
                throw node.Fault($"run {i} says {levels} for its levels; it must be 0, 1 or 2.");
            }
            var grid = new StoredGrid(bits, block);
            grid.Check(node, k);
            runs[i] = new Run(rows, grid, (Levels)levels);
            n += rows;
            codes += runs[i].CodeBytes(k);
            scales += runs[i].Scales(k);
            if (codes > int.MaxValue || scales > int.MaxValue || n * k > int.MaxValue)
            {
                throw node.Fault($"K·N = {k}·{n} is too large.");
            }
        }
        return runs;

        // What fits no int is no legal number either.
        static int Narrow(long number) => number is >= 0 and <= int.MaxValue ? (int)number : -1;
    }

    private readonly record struct Run(long Rows, StoredGrid Grid, Levels Levels)
    {
        public long CodebookLength => Levels == Levels.Codebook ? Grid.Levels : 0;

        public long CodeBytes(int k) => Grid.CodeBytes(k, Rows);

        public long Scales(int k) => Grid.Scales(k, Rows);

        public long ZeroPointBytes(int k) => Levels == Levels.ZeroPoints ? Grid.ZeroPointBytes(k, Rows) : 0;
    }
}
