namespace Lorq.Checks;

/// <summary>Work over the rows of a tensor in parallel, in blocks whose borders depend on the shape alone, so that results do not depend on the number of threads.</summary>
internal static class RowBlocks
{
    /// <summary>Elements per block: large enough to hide the hand-over, small enough to balance and to stop soon.</summary>
    private const int BlockElements = 1 << 16;

    /// <summary>Calls <paramref name="body"/> with (kernel, first row, row after the last) for every block; one kernel per thread.</summary>
    public static void Run(
        int rows,
        int width,
        ClassAxis axis,
        int threads,
        Action<RowKernel, int, int> body,
        CancellationToken cancellationToken
    )
    {
        int perBlock = Math.Max(1, BlockElements / Math.Max(1, width));
        int blocks = (rows + perBlock - 1) / perBlock;
        if (blocks <= 1)
        {
            cancellationToken.ThrowIfCancellationRequested();
            body(new RowKernel(width, axis), 0, rows);
            return;
        }
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount,
            CancellationToken = cancellationToken,
        };
        Parallel.For(
            0,
            blocks,
            options,
            () => new RowKernel(width, axis),
            (b, _, kernel) =>
            {
                body(kernel, b * perBlock, Math.Min(rows, (b + 1) * perBlock));
                return kernel;
            },
            _ => { }
        );
    }
}
